"""IMAP IDLE: all users but one wait for new mail in one mailbox; that one stores a mail there every EVERY seconds.

While a user is idle, the server says by itself what has changed: `* 3 EXISTS`. As RFC 2177 asks, it ends the wait and
begins it again now and then, here after 20 minutes.
"""

from rawsocket import Connect, Delimiter, Due, Receive, Request, ScenarioSetting, Session, SessionUser

ScenarioSetting("imap_password", "secret", "password of the mailbox", secret=True)

MAIL = b"Subject: hello\r\n\r\nhello\r\n"


def is_whole(lines: list[bytes]) -> bool:
    """Whether the line with the tag has arrived, or the server waits for more."""
    return lines[-1].startswith((b"a ", b"+ "))


def succeeded(lines: list[bytes]) -> bool:
    """Whether the server has accepted a command."""
    return lines[-1].startswith((b"a OK ", b"+ "))


class MailboxUser(SessionUser):
    """Logs in to the one mailbox."""

    abstract = True
    framing = Delimiter(b"\r\n", many=True)
    accepts_pushes = True

    def login(self) -> Session:
        """Connect and log in."""
        yield Connect()
        yield Receive(name="greeting", expect=lambda line: line.startswith(b"* OK "))
        login = b"a LOGIN shared " + self.option("imap_password").encode()
        yield Request(login, "LOGIN", succeeded, until=is_whole)

    def goodbye(self) -> Session:
        """Log out; a user that is idle has to end that first."""
        yield Request(b"DONE\r\na LOGOUT", "LOGOUT", until=lambda lines: lines[-1].startswith(b"* BYE"))


class IdleUser(MailboxUser):
    """Waits for mail."""

    def session(self) -> Session:
        """Wait, for ever."""
        yield from self.login()
        yield Request(b"a SELECT INBOX", "SELECT", succeeded, until=is_whole)
        while True:
            yield Request(b"a IDLE", "IDLE", succeeded, until=is_whole)
            while (yield Receive(until=Due(1200))):
                pass
            yield Request(b"DONE", "DONE", succeeded, until=is_whole)


class WritingUser(MailboxUser):
    """Stores mails."""

    fixed_count = 1

    def session(self) -> Session:
        """Store a mail, for ever."""
        yield from self.login()
        while True:
            yield Due(self.option("every"))
            yield Request(b"a APPEND INBOX {%d}" % len(MAIL), "APPEND", succeeded, until=is_whole)
            yield Request(MAIL, "mail", succeeded, until=is_whole)
