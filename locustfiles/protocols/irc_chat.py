"""IRC: all users are in one channel; each says something there every EVERY seconds, and everyone else gets it.

What a user says is one-way; what others say is a push, and so is the server's PING, which is answered at once.
"""

import re

from rawsocket import Connect, Delimiter, Due, Request, Send, Session, SessionUser


def number(lines: list[bytes]) -> bytes:
    """Return the number in the last line of a reply: 376 in `:irc.example.test 376 u1 :End of MOTD command`."""
    return lines[-1].split(b" ", 2)[1]


class IrcUser(SessionUser):
    framing = Delimiter(b"\r\n", many=True)
    accepts_pushes = True

    def session(self) -> Session:
        yield Connect()
        yield Request(
            b"NICK u%d\r\nUSER load 0 * :load" % self.number, "register",
            until=lambda lines: number(lines) in (b"376", b"422", b"433"),  # message of the day, none, name is taken
            expect=lambda lines: number(lines) != b"433",
        )  # fmt: skip
        yield Request(b"JOIN #load", "JOIN", until=lambda lines: number(lines) == b"366")
        while True:
            yield Due(self.option("every"))
            yield Send(b"PRIVMSG #load :message %d" % self.message_no, "PRIVMSG", reply=False)

    def is_push(self, message: bytes) -> bool:
        return bool(re.match(rb"PING |:(?!u%d!)\S+ (PRIVMSG|JOIN|QUIT) " % self.number, message))

    def on_push(self, message: bytes) -> bytes | None:
        return message.replace(b"PING", b"PONG", 1) if message.startswith(b"PING ") else None

    def goodbye(self) -> Session:
        yield Send(b"QUIT :bye", "QUIT", reply=False)
