"""POP3: every EVERY seconds each user connects, logs in, lists its mailbox and quits.

The reply to LIST has several lines, the last of which is a dot. The server closes the connection after QUIT.
"""

from contextlib import suppress

from rawsocket import (
    Close,
    Connect,
    Delimiter,
    Due,
    RawSocketError,
    Receive,
    Request,
    ScenarioSetting,
    Session,
    SessionUser,
)

ScenarioSetting("pop3_password", "secret", "password of all users", secret=True)


def is_ok(line: bytes) -> bool:
    """Whether a reply is a success."""
    return line.startswith(b"+OK")


class Pop3User(SessionUser):
    """Looks for mail, and goes."""

    holds = False
    framing = Delimiter(b"\r\n")

    def session(self) -> Session:
        """One visit after the other; one that has failed is not repeated."""
        while True:
            yield Due(self.option("every"))
            with suppress(RawSocketError):  # recorded where it happened
                yield from self.visit()

    def visit(self) -> Session:
        """Connect, log in, list, quit."""
        yield Connect()
        yield Receive(name="greeting", expect=is_ok)
        yield Request(b"USER user-%d" % self.number, "USER", is_ok)
        yield Request(b"PASS " + self.option("pop3_password").encode(), "PASS", is_ok)
        yield Request(b"LIST", "LIST", lambda lines: is_ok(lines[0]), until=lambda lines: lines[-1] == b".")
        yield Request(b"QUIT", "QUIT", is_ok)
        yield Close()
