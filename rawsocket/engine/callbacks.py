"""What a connection reports to: the runner of a session, or a blocking client."""

from collections.abc import Hashable
from typing import Any, Protocol

from rawsocket.errors import RawSocketError


class Handlers(Protocol):
    """What a user class says of its messages. Exceptions of these functions are errors of the scenario."""

    def is_push(self, message: bytes) -> bool:
        """Return whether this message is never a reply."""

    def push_until(self, frames: list[bytes]) -> bool:
        """Return whether these frames are a whole push."""

    def on_push(self, message: Any) -> bytes | None:
        """Return what to answer a push at once, if anything."""

    def request_key(self, payload: bytes) -> Hashable | None:
        """Return the key by which the reply to this message is found; None: by order."""

    def reply_key(self, message: bytes) -> Hashable | None:
        """Return the key of a reply; None: it belongs to the oldest message without a key."""


class Owner(Protocol):
    """What a connection reports to."""

    # Whether unsolicited data may stay in the receive buffer until a receive() takes it.
    reads_later: bool

    @property
    def handlers(self) -> Handlers:
        """What the user class says of messages; the connection's config says which of the functions count."""

    def on_open(self) -> None:
        """The connection is open."""

    def on_not_opened(self, failure: RawSocketError) -> None:
        """The connection could not be opened."""

    def on_reply(self, reply: Any) -> None:
        """The correct reply to the oldest request has arrived."""

    def on_answered(self) -> None:
        """The correct reply has arrived to a pipelined message, or to one that nobody waits for."""

    def on_kept(self) -> None:
        """A correct reply has arrived and is kept for receive()."""

    def on_received(self, message: Any) -> None:
        """The message that receive() waits for has arrived."""

    def on_writable(self) -> None:
        """The kernel has taken all that was sent."""

    def on_lost(self, failure: RawSocketError) -> None:
        """The connection has failed and is closed. A ScenarioFault has the exception of the scenario as its cause."""

    def on_ended(self) -> None:
        """The server has ended the connection as expected, and it is closed. No call waits."""

    def context(self) -> dict[str, Any]:
        """Return what listeners on Locust's `events.request` get as the context."""
