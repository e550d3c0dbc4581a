"""SMTP: each user sends a mail every EVERY seconds, on one connection, and says QUIT when it is stopped.

A reply has one line or several; it ends with the line that has a space behind its number. The row `all of a mail` has
the time of its four messages together.
"""

import re

from rawsocket import Connect, Due, Receive, Request, Send, Session, SessionUser, UntilPattern

HELLO, OK, GO_ON = re.compile(b"220").match, re.compile(b"250").match, re.compile(b"354").match
MAIL = b"Subject: mail %d of user %d\r\n\r\nhello\r\n.\r\n"


class SmtpUser(SessionUser):
    framing = UntilPattern(rb"(?m)^\d\d\d .*\n")

    def session(self) -> Session:
        yield Connect()
        yield Receive(name="greeting", expect=HELLO)
        yield Request(b"EHLO load.example.test\r\n", "EHLO", OK)
        while True:
            yield Due(self.option("every"))
            with self.transaction("all of a mail"):
                yield Request(b"MAIL FROM:<user-%d@example.test>\r\n" % self.number, "MAIL", OK)
                yield Request(b"RCPT TO:<inbox@example.test>\r\n", "RCPT", OK)
                yield Request(b"DATA\r\n", "DATA", GO_ON)
                yield Request(MAIL % (self.message_no, self.number), "mail", OK)

    def goodbye(self) -> Session:
        yield Send(b"QUIT\r\n", "QUIT", reply=False)
