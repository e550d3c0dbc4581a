"""memcached, text protocol: every EVERY seconds each user stores a value and reads it.

A store with `noreply` is a one-way message: it counts when it was sent, and nothing comes back. A value may have any
bytes: the line before it says how many.
"""

from rawsocket import Connect, Due, LengthInText, Request, Send, Session, SessionUser


def is_end(messages: list[bytes]) -> bool:
    """Return whether the reply to a `get` is complete."""
    return messages[-1] == b"END\r\n"


class MemcachedUser(SessionUser):
    framing = LengthInText(b"\r\n", rb"^VALUE \S+ \d+ (\d+)", after=b"\r\n")

    def session(self) -> Session:
        yield Connect()
        while True:
            yield Due(self.option("every"))
            value = b"%d" % self.message_no
            end = b"%d\r\n%s\r\n" % (len(value), value)
            quiet = b"set quiet-%d 0 0 %d noreply\r\n%s\r\n" % (self.number, len(value), value)
            yield Send(quiet, "set noreply", reply=False)
            yield Request(b"set key-%d 0 0 %s" % (self.number, end), "set", expect=b"STORED\r\n")
            for key in (b"quiet-%d" % self.number, b"key-%d" % self.number):
                found = [b"VALUE %s 0 %s" % (key, end), b"END\r\n"]
                yield Request(b"get %s\r\n" % key, "get", until=is_end, expect=found)
