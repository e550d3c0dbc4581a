"""The named failures: a closed list, used by the page, the CSV, the JSON and docs/verdict.md.

Every way in which a connection or a message can go wrong has exactly one name; there is no 'other'.
`str()` and `repr()` of a failure are its name alone, so that Locust's failure table groups by it;
`detail` has what was seen this time.

One rule maps the errors of the operating system while connecting: a timeout is `connect-timeout`, a
reset is `reset`, a shortage of the load generator's own machine (descriptors, source ports, memory) is
`generator-limit`, and any other error is `refused`, no matter what refused the connection: the peer,
the network or the name resolver. The detail names the cause.
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
    """The connection could not be opened: by the peer's refusal, no route, no name."""

    name = "refused"


class ConnectTimeout(RawSocketError):
    """The connection was not open within the connect timeout."""

    name = "connect-timeout"


class ServerFull(RawSocketError):
    """The server accepted the connection and sent `ERR server full`."""

    name = "server-full"


class Reset(RawSocketError):
    """The connection was reset (or timed out in the kernel) by the other side or the network."""

    name = "reset"


class Closed(RawSocketError):
    """The server closed the connection."""

    name = "closed"


class NotConnected(Closed):
    """A step or call that needs a connection, although none was opened: a mistake in the scenario. Never recorded."""

    def __str__(self) -> str:
        return self.detail


def is_mistake(error: BaseException) -> bool:
    """Return whether an exception is the scenario's own: no failure, or a step without the connection it needs."""
    return not isinstance(error, RawSocketError) or isinstance(error, NotConnected)


class ReplyTimeout(RawSocketError):
    """The reply was not complete within the reply timeout."""

    name = "reply-timeout"


class SendTimeout(RawSocketError):
    """The kernel did not take the message within the send timeout: the peer does not read."""

    name = "send-timeout"


class Short(RawSocketError):
    """The reply is only the beginning of the expected one."""

    name = "short"


class TooLong(RawSocketError):
    """The reply is over the limit, or it is the expected one followed by more bytes."""

    name = "too-long"


class Wrong(RawSocketError):
    """The reply is not the one to this message, or the data was unsolicited."""

    name = "wrong"


class TlsFailed(RawSocketError):
    """The TLS handshake failed, or TLS failed later on the connection; the detail has OpenSSL's reason."""

    name = "tls"


class GeneratorLimit(RawSocketError):
    """The load generator's own machine or process had no descriptor, source port or memory left; not the server."""

    name = "generator-limit"


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
    TlsFailed,
    GeneratorLimit,
)

NAMES: tuple[str, ...] = tuple(failure.name for failure in FAILURES)

# A connection with one of these failures was never usable. (A reset while connecting counts as failed, too.)
CONNECT_FAILURES: tuple[str, ...] = (
    Refused.name,
    ConnectTimeout.name,
    ServerFull.name,
    TlsFailed.name,
    GeneratorLimit.name,
)

# A reply arrived but was not correct: these always fail a run.
WRONG_REPLIES: tuple[str, ...] = (Short.name, TooLong.name, Wrong.name)


class ScenarioFault(RawSocketError):
    """Code of the scenario that the engine called (an `expect`, a decoder) raised its `__cause__`. Not a failure.

    It ends the connection as if the client had closed it; what the scenario sees is the cause.
    """

    name = "scenario"


def fault(error: BaseException, what: str) -> ScenarioFault:
    """Return the fault for an exception of `what`, a part of the scenario."""
    found = ScenarioFault(f"{what} raised {error!r}")
    found.__cause__ = error
    return found
