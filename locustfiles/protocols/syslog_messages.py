"""Syslog over TCP (RFC 5424, RFC 6587): each user sends ten log lines every EVERY seconds; the server never replies.

A line counts when the kernel has taken it. A server that stops reading shows as `send-timeout`.
"""

import datetime

from rawsocket import Connect, Due, Line, Send, Session, SessionUser


class SyslogUser(SessionUser):
    framing = Line()

    def session(self) -> Session:
        yield Connect()
        while True:
            yield Due(self.option("every"))
            now = datetime.datetime.now(datetime.UTC).isoformat().encode()
            for _ in range(10):
                line = b"<13>1 %s host-%d load - - - line %d" % (now, self.number, self.message_no)
                yield Send(line, "line", reply=False)
