"""The named failures: a closed list, used alike by the page, the CSV, the JSON and the README.

Every way in which a connection or a message can go wrong has exactly one name; there is no 'other'.
`str()` and `repr()` of a failure are its name alone, so that Locust's failure table groups by it;
what was seen this time stands in `detail`.

One rule maps what the operating system reports while connecting: a time that ran out is
`connect-timeout`, a reset is `reset`, and everything else that kept the connection from opening is
`refused`, whoever refused it: the peer, the network, the name resolver, or this machine (out of
descriptors or source ports). The detail tells which.
"""

from typing import ClassVar


class RawSocketError(Exception):
    """A connection or message that failed; the subclass says how, `detail` what was seen."""

    name: ClassVar[str] = "failed"

    def __init__(self, detail: str = "") -> None:
        super().__init__(self.name)
        self.detail = detail

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[type["RawSocketError"], tuple[str]]:
        return type(self), (self.detail,)


class Refused(RawSocketError):
    """The connection could not be opened: by the peer's refusal, no route, no name, no port or descriptor."""

    name = "refused"


class ConnectTimeout(RawSocketError):
    """The connection was not open when the connect timeout ran out."""

    name = "connect-timeout"


class ServerFull(RawSocketError):
    """The server took the connection and said `ERR server full`."""

    name = "server-full"


class Reset(RawSocketError):
    """The connection was reset (or timed out in the kernel) by the other side or the network."""

    name = "reset"


class Closed(RawSocketError):
    """The server closed the connection before it should."""

    name = "closed"


class ReplyTimeout(RawSocketError):
    """The whole reply was not there when the reply timeout ran out."""

    name = "reply-timeout"


class SendTimeout(RawSocketError):
    """The message could not be handed to the kernel within the send timeout: the peer does not read."""

    name = "send-timeout"


class Short(RawSocketError):
    """A whole reply came that is only the beginning of the expected one."""

    name = "short"


class TooLong(RawSocketError):
    """A reply came that is over the limit, or the expected one with something behind it."""

    name = "too-long"


class Wrong(RawSocketError):
    """Something came that is not what this very message must bring back, or came unasked."""

    name = "wrong"


class Tls(RawSocketError):
    """The TLS handshake failed. The name is part of the closed list; plain TCP never raises it."""

    name = "tls"


FAILURES: tuple[type[RawSocketError], ...] = (
    Refused,
    ConnectTimeout,
    ServerFull,
    Reset,
    Closed,
    ReplyTimeout,
    SendTimeout,
    Short,
    TooLong,
    Wrong,
    Tls,
)

NAMES: tuple[str, ...] = tuple(failure.name for failure in FAILURES)

# A connection that failed by one of these was never usable. (A reset while connecting counts as failed, too.)
CONNECT_FAILURES: tuple[str, ...] = (Refused.name, ConnectTimeout.name, ServerFull.name, Tls.name)

# A reply that came, and was not the right one: these always fail a run.
WRONG_REPLIES: tuple[str, ...] = (Short.name, TooLong.name, Wrong.name)
