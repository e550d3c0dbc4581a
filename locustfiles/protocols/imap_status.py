"""IMAP: each user logs in and asks for the state of its mailbox every EVERY seconds.

A reply is any number of lines with `*` and then one with the tag of the command. The tag is the same for all commands:
a user sends one after the other.
"""

import re

from rawsocket import Connect, Delimiter, Due, Receive, Request, ScenarioSetting, Session, SessionUser

ScenarioSetting("imap_password", "secret", "password of all users", secret=True)


def command(name: str, text: bytes = b"", first: bytes = b"") -> Request:
    """Return a request that succeeds if the first line of its reply begins with `first`, and the last one says OK."""
    return Request(
        b"a %s%s" % (name.encode(), text), name,
        until=lambda lines: lines[-1].startswith(b"a "),
        expect=lambda lines: lines[0].startswith(first) and lines[-1].startswith(b"a OK "),
    )  # fmt: skip


class ImapUser(SessionUser):
    framing = Delimiter(b"\r\n")

    def session(self) -> Session:
        yield Connect()
        yield Receive(name="greeting", expect=re.compile(rb"\* OK ").match)
        yield command("LOGIN", b" user-%d %s" % (self.number, self.option("imap_password").encode()))
        while True:
            yield Due(self.option("every"))
            yield command("STATUS", b" INBOX (MESSAGES)", first=b"* STATUS INBOX (MESSAGES ")

    def goodbye(self) -> Session:
        yield command("LOGOUT")
