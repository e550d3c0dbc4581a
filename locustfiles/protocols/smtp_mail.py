"""SMTP: each user sends a mail every EVERY seconds, on one connection, and says QUIT when it is stopped.

A reply has one line or several: all but the last have a `-` behind the number. The row `all of a mail` has the time of
its four messages together.
"""

from collections.abc import Callable

from rawsocket import Connect, Delimiter, Due, Receive, Request, Send, Session, SessionUser

MAIL = b"Subject: mail %d of user %d\r\n\r\nhello\r\n."


def is_whole(lines: list[bytes]) -> bool:
    """Whether the last line of a reply has arrived."""
    return lines[-1][3:4] != b"-"


def says(code: bytes) -> Callable[[list[bytes]], bool]:
    """Return a check that a reply has this number."""
    return lambda lines: lines[-1].startswith(code)


class SmtpUser(SessionUser):
    """Sends mails. A mail has several lines: `many` allows a line's end within a message."""

    framing = Delimiter(b"\r\n", many=True)

    def session(self) -> Session:
        """Read the greeting, introduce itself, and send mails for ever."""
        sender = b"user-%d@example.test" % self.number
        yield Connect()
        yield Receive(name="greeting", expect=lambda line: line.startswith(b"220 "))
        yield Request(b"EHLO load.example.test", "EHLO", says(b"250 "), until=is_whole)
        while True:
            yield Due(self.option("every"))
            with self.transaction("all of a mail"):
                yield Request(b"MAIL FROM:<%s>" % sender, "MAIL", says(b"250 "), until=is_whole)
                yield Request(b"RCPT TO:<inbox@example.test>", "RCPT", says(b"250 "), until=is_whole)
                yield Request(b"DATA", "DATA", says(b"354 "), until=is_whole)
                yield Request(MAIL % (self.message_no, self.number), "mail", says(b"250 "), until=is_whole)

    def goodbye(self) -> Session:
        """Leave in order, unless it is in the middle of a mail: that is cut off."""
        yield Send(b"QUIT", "QUIT", reply=False)
