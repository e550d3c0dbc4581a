"""POP3: every EVERY seconds each user connects, logs in, lists its mailbox and quits.

The reply to LIST has several lines, the last of which is a dot. The server closes the connection after QUIT.
"""

import re

from rawsocket import Close, Connect, Delimiter, Due, Receive, Request, ScenarioSetting, Session, SessionUser

ScenarioSetting("pop3_password", "secret", "password of all users", secret=True)

OK = re.compile(rb"\+OK").match


class Pop3User(SessionUser):
    holds = False
    framing = Delimiter(b"\r\n")

    def session(self) -> Session:
        while True:
            yield Due(self.option("every"))
            yield Connect()
            yield Receive(name="greeting", expect=OK)
            yield Request(b"USER user-%d" % self.number, "USER", OK)
            yield Request(b"PASS " + self.option("pop3_password").encode(), "PASS", OK)
            yield Request(b"LIST", "LIST", until=lambda lines: lines[-1] == b".", expect=lambda lines: OK(lines[0]))
            yield Request(b"QUIT", "QUIT", OK)
            yield Close()
