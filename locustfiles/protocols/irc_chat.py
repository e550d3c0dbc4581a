"""IRC: all users are in one channel; each says something there every EVERY seconds, and everyone else gets it.

What a user says is one-way; what others say is a push, and so is the server's PING, which is answered at once.
"""

from collections.abc import Callable

from rawsocket import Connect, Delimiter, Due, Request, Send, Session, SessionUser


def ends_with(*numbers: bytes) -> Callable[[list[bytes]], bool]:
    """Return a check that the last line of a reply has one of these numbers."""
    return lambda lines: lines[-1].split(b" ", 2)[1:2] in [[number] for number in numbers]


def is_welcome(lines: list[bytes]) -> bool:
    """Whether the server has accepted the name."""
    return b" 433 " not in lines[-1]


class IrcUser(SessionUser):
    """Talks and listens."""

    framing = Delimiter(b"\r\n", many=True)
    accepts_pushes = True

    def session(self) -> Session:
        """Register, join, and talk for ever. The welcome ends with the message of the day, or the lack of one."""
        register = b"NICK u%d\r\nUSER load 0 * :load" % self.number
        yield Connect()
        yield Request(register, "register", is_welcome, until=ends_with(b"376", b"422", b"433"))
        yield Request(b"JOIN #load", "JOIN", until=ends_with(b"366"))
        while True:
            yield Due(self.option("every"))
            yield Send(b"PRIVMSG #load :message %d" % self.message_no, "PRIVMSG", reply=False)

    def is_push(self, message: bytes) -> bool:
        """What others say, their coming and going, and the server's ping."""
        words = message.split(b" ", 2)
        by_other = not message.startswith(b":u%d!" % self.number)
        return words[0] == b"PING" or (by_other and not {b"PRIVMSG", b"JOIN", b"QUIT"}.isdisjoint(words[1:2]))

    def on_push(self, message: bytes) -> bytes | None:
        """Answer the server's ping."""
        return message.replace(b"PING", b"PONG", 1) if message.startswith(b"PING ") else None

    def goodbye(self) -> Session:
        """Leave in order."""
        yield Send(b"QUIT :bye", "QUIT", reply=False)
