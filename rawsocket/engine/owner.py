"""What a connection reports to: the runner of a session, or a blocking client."""

from typing import Any, Protocol

from rawsocket.errors import RawSocketError


class Owner(Protocol):
    """What a connection reports to."""

    # Whether unsolicited data may stay in the receive buffer until a receive() takes it.
    reads_later: bool

    def on_open(self) -> None:
        """The connection is open."""

    def on_not_opened(self, failure: RawSocketError) -> None:
        """The connection could not be opened."""

    def on_reply(self, reply: bytes) -> None:
        """The correct reply to the oldest request has arrived."""

    def on_kept(self) -> None:
        """A correct reply has arrived and is kept for receive()."""

    def on_received(self, message: bytes) -> None:
        """The message that receive() waits for has arrived."""

    def on_writable(self) -> None:
        """The kernel has taken all that was sent."""

    def on_lost(self, failure: RawSocketError) -> None:
        """The connection has failed and is closed. An exception of the caller's own `expect` is the failure's cause."""

    def context(self) -> dict[str, Any]:
        """Return what listeners on Locust's `events.request` get as the context."""
