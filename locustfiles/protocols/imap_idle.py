"""IMAP IDLE: user 0 stores a mail in one mailbox every EVERY seconds; all others wait for new mail there.

While a user is idle, the server says by itself what has changed: `* 3 EXISTS`. As RFC 2177 asks, it ends the wait and
begins it again now and then, here after 20 minutes.
"""

from rawsocket import Connect, Delimiter, Due, Receive, Request, ScenarioSetting, Session, SessionUser

ScenarioSetting("imap_password", "secret", "password of the mailbox", secret=True)

MAIL = b"Subject: hello\r\n\r\nhello\r\n"
OK, END = (b"a OK ", b"+ "), (b"a ", b"+ ")  # how the last line of a reply begins; `+`: the server waits for more


def ask(text: bytes, name: str) -> Request:
    """Return a request whose reply has several lines."""
    return Request(text, name, lambda lines: lines[-1].startswith(OK), until=lambda lines: lines[-1].startswith(END))


class IdleUser(SessionUser):
    framing = Delimiter(b"\r\n", many=True)
    accepts_pushes = True

    def session(self) -> Session:
        yield Connect()
        yield Receive(name="greeting", expect=lambda line: line.startswith(b"* OK "))
        yield ask(b"a LOGIN shared " + self.option("imap_password").encode(), "LOGIN")
        yield ask(b"a SELECT INBOX", "SELECT")
        while self.number == 0:
            yield Due(self.option("every"))
            yield ask(b"a APPEND INBOX {%d}" % len(MAIL), "APPEND")
            yield ask(MAIL, "mail")
        while True:
            yield ask(b"a IDLE", "IDLE")
            while (yield Receive(until=Due(1200))):
                pass
            yield ask(b"DONE", "DONE")

    def goodbye(self) -> Session:  # a user that is idle has to end that first
        yield Request(b"DONE\r\na LOGOUT", "LOGOUT", until=lambda lines: lines[-1].startswith(b"* BYE"))
