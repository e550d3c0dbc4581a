"""IMAP: each user logs in and asks for the state of its mailbox every EVERY seconds.

A reply is any number of lines with `*` and then one with the tag of the command. The tag is the same for all commands:
a user sends one after the other.
"""

from rawsocket import Connect, Delimiter, Due, Receive, Request, ScenarioSetting, Session, SessionUser

ScenarioSetting("imap_password", "secret", "password of all users", secret=True)


def is_whole(lines: list[bytes]) -> bool:
    """Whether the line with the tag has arrived."""
    return lines[-1].startswith(b"a ")


def succeeded(lines: list[bytes]) -> bool:
    """Whether a command was carried out."""
    return lines[-1].startswith(b"a OK ")


def has_status(lines: list[bytes]) -> bool:
    """Whether a reply has the number of mails."""
    return succeeded(lines) and lines[0].startswith(b"* STATUS INBOX (MESSAGES ")


class ImapUser(SessionUser):
    """Logs in as user-0, user-1, ..."""

    framing = Delimiter(b"\r\n")

    def session(self) -> Session:
        """Log in and ask, for ever."""
        login = b"a LOGIN user-%d %s" % (self.number, self.option("imap_password").encode())
        yield Connect()
        yield Receive(name="greeting", expect=lambda line: line.startswith(b"* OK "))
        yield Request(login, "LOGIN", succeeded, until=is_whole)
        while True:
            yield Due(self.option("every"))
            yield Request(b"a STATUS INBOX (MESSAGES)", "STATUS", has_status, until=is_whole)

    def goodbye(self) -> Session:
        """Log out; the server says BYE first."""
        yield Request(b"a LOGOUT", "LOGOUT", succeeded, until=is_whole)
