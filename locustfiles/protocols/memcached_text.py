"""memcached, text protocol: every EVERY seconds each user stores a value and reads it.

A store with `noreply` is a one-way message: it counts when it was sent, and nothing comes back.
"""

from rawsocket import Connect, Delimiter, Due, Request, Send, Session, SessionUser


def is_end(lines: list[bytes]) -> bool:
    """Whether the reply to a `get` is complete."""
    return lines[-1] == b"END"


class MemcachedUser(SessionUser):
    """Has two keys of its own. A `set` has two lines: `many` allows a line's end within a message."""

    framing = Delimiter(b"\r\n", many=True)

    def session(self) -> Session:
        """Store and read, for ever."""
        yield Connect()
        while True:
            yield Due(self.option("every"))
            value = b"%d" % self.message_no
            size = len(value)
            yield Send(b"set quiet-%d 0 0 %d noreply\r\n%s" % (self.number, size, value), "set noreply", reply=False)
            yield Request(b"set key-%d 0 0 %d\r\n%s" % (self.number, size, value), "set", expect=b"STORED")
            for key in (b"quiet-%d" % self.number, b"key-%d" % self.number):
                found = [b"VALUE %s 0 %d" % (key, size), value, b"END"]
                yield Request(b"get " + key, "get", until=is_end, expect=found)
