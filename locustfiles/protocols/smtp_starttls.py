"""SMTP with STARTTLS: every EVERY seconds each user connects, encrypts the connection, sends a mail and quits.

The connection begins unencrypted, so TARGET is `tcp://...`. The row `tls` has the handshakes. TLS_CA and TLS_NAME say
which certificate is right. After the handshake a client introduces itself again: the server may offer more then.
"""

import re

from rawsocket import Close, Connect, Due, Receive, Request, Session, SessionUser, StartTls, UntilPattern

READY, OK, GO_ON = re.compile(b"22[01]").match, re.compile(b"250").match, re.compile(b"354").match


class SmtpTlsUser(SessionUser):
    holds = False
    framing = UntilPattern(rb"(?m)^\d\d\d .*\n")

    def session(self) -> Session:
        while True:
            yield Due(self.option("every"))
            yield Connect()
            yield Receive(name="greeting", expect=READY)
            yield Request(b"EHLO load.example.test\r\n", "EHLO", expect=lambda reply: b"STARTTLS" in reply)
            yield Request(b"STARTTLS\r\n", "STARTTLS", READY)
            yield StartTls()
            yield Request(b"EHLO load.example.test\r\n", "EHLO", OK)
            yield Request(b"MAIL FROM:<user-%d@example.test>\r\n" % self.number, "MAIL", OK)
            yield Request(b"RCPT TO:<inbox@example.test>\r\n", "RCPT", OK)
            yield Request(b"DATA\r\n", "DATA", GO_ON)
            yield Request(b"Subject: hello\r\n\r\nhello\r\n.\r\n", "mail", OK)
            yield Request(b"QUIT\r\n", "QUIT", READY)
            yield Close()
