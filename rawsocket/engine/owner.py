"""What a connection reports to: the runner of a session, or a blocking client."""

from typing import Any, Protocol

from rawsocket.errors import RawSocketError


class Owner(Protocol):
    """What a connection reports to."""

    # Whether what nobody asked for may stay in the receive buffer until a receive() takes it.
    reads_later: bool

    def on_open(self) -> None:
        """The connection is open."""

    def on_not_opened(self, failure: RawSocketError) -> None:
        """The connection could not be opened."""

    def on_reply(self, reply: bytes) -> None:
        """The right reply to the oldest request has arrived."""

    def on_kept(self) -> None:
        """A right reply has arrived that waits for receive()."""

    def on_received(self, message: bytes) -> None:
        """What receive() has waited for has arrived."""

    def on_writable(self) -> None:
        """The kernel has taken all that was sent."""

    def on_lost(self, failure: RawSocketError) -> None:
        """The connection has failed and is closed. What the caller's own `expect` raised is the failure's cause."""

    def context(self) -> dict[str, Any]:
        """What listeners on Locust's `events.request` get as the context."""
