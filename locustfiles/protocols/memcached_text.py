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
            end = b"0 0 %d" % len(value)
            yield Send(b"set quiet-%d %s noreply\r\n%s" % (self.number, end, value), "set noreply", reply=False)
            yield Request(b"set key-%d %s\r\n%s" % (self.number, end, value), "set", expect=b"STORED")
            for key in (b"quiet-%d" % self.number, b"key-%d" % self.number):
                yield Request(
                    b"get " + key, "get", until=is_end, expect=lambda lines, value=value: lines[1:-1] == [value]
                )
