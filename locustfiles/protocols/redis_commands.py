"""Redis: every EVERY seconds each user sets its own key, reads it, and reads a list of three elements.

A reply of Redis has one line or several; it says itself how many. So a reply is a list of lines (`until`), and its
latency ends with the last one.
"""

from rawsocket import Connect, Delimiter, Due, Request, Send, Session, SessionUser

LIST = [b"*3", b"$1", b"1", b"$1", b"2", b"$1", b"3"]


def whole(lines: list[bytes]) -> bool:
    """Whether these lines are a whole reply: `*3` announces three values, `$5` a line with five bytes."""
    values = at = 0
    owed = 1
    while values < owed and at < len(lines):
        kind, number = lines[at][:1], lines[at][1:]
        owed += int(number) if kind == b"*" else 0
        at += 2 if kind == b"$" and number != b"-1" else 1
        values += 1
    return values == owed and at == len(lines)


class RedisUser(SessionUser):
    """Has a key and a list of its own."""

    framing = Delimiter(b"\r\n")

    def session(self) -> Session:
        """Fill the list, then set and read, for ever."""
        key = b"user:%d" % self.number
        yield Connect()
        yield Request(b"DEL %s:list" % key, "DEL")
        yield Request(b"RPUSH %s:list 1 2 3" % key, "RPUSH", expect=b":3")
        while True:
            yield Due(self.option("every"))
            value = b"%d" % self.message_no
            yield Request(b"SET %s %s" % (key, value), "SET", expect=b"+OK")
            yield Request(b"GET " + key, "GET", until=whole, expect=[b"$%d" % len(value), value])
            yield Request(b"LRANGE %s:list 0 -1" % key, "LRANGE", until=whole, expect=LIST)

    def goodbye(self) -> Session:
        """Leave as Redis expects it."""
        yield Send(b"QUIT", "QUIT", reply=False)
