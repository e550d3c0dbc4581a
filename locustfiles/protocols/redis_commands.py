"""Redis: every EVERY seconds each user sets its own key, reads it, and reads a list of three elements.

A value may have any bytes: `$5` announces five of them. The reply with a list is several messages: `*3` announces
three. So `until` says when they are whole, and the latency ends with the last one.
"""

from rawsocket import Connect, Due, LengthInText, Request, Send, Session, SessionUser

LIST = [b"*3\r\n", b"$1\r\n1\r\n", b"$1\r\n2\r\n", b"$1\r\n3\r\n"]


def is_whole(messages: list[bytes]) -> bool:
    """Return whether these messages are a whole reply."""
    first = messages[0]
    return len(messages) == (1 + int(first[1:]) if first.startswith(b"*") else 1)


class RedisUser(SessionUser):
    framing = LengthInText(b"\r\n", rb"^\$(\d+)", after=b"\r\n")

    def session(self) -> Session:
        key = b"user:%d" % self.number
        yield Connect()
        yield Request(b"DEL %s:list\r\n" % key, "DEL")
        yield Request(b"RPUSH %s:list 1 2 3\r\n" % key, "RPUSH", expect=b":3\r\n")
        while True:
            yield Due(self.option("every"))
            value = b"%d" % self.message_no
            yield Request(b"SET %s %s\r\n" % (key, value), "SET", expect=b"+OK\r\n")
            yield Request(b"GET %s\r\n" % key, "GET", expect=b"$%d\r\n%s\r\n" % (len(value), value))
            yield Request(b"LRANGE %s:list 0 -1\r\n" % key, "LRANGE", until=is_whole, expect=LIST)

    def goodbye(self) -> Session:
        yield Send(b"QUIT\r\n", "QUIT", reply=False)
