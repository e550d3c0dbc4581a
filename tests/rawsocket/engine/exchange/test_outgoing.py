from rawsocket.engine.exchange.in_flight import NOBODY, InFlight
from rawsocket.engine.exchange.outgoing import Outgoing


class Sink:
    """Takes at most `room` bytes."""

    def __init__(self, room: int) -> None:
        self.room, self.taken = room, b""

    def send(self, data: memoryview) -> int:
        part = bytes(data[: self.room])
        if not part:
            raise BlockingIOError
        self.room -= len(part)
        self.taken += part
        return len(part)


def one_way() -> InFlight:
    return InFlight("log", 1.0, 1.0, None, NOBODY)


def test_parts_are_sent_in_order_and_one_way_messages_are_done_with_their_last_byte():
    outgoing, sink = Outgoing(), Sink(4)
    first, second = one_way(), one_way()
    outgoing.add(b"abc", 1.0, first)
    outgoing.add(b"def", 2.0, second)
    assert outgoing.flush(sink, 3.0) == (4, [first])
    assert (outgoing.size, outgoing.one_way, outgoing.since) == (2, [second], 1.0)
    sink.room = 10
    assert outgoing.flush(sink, 4.0) == (2, [second])
    assert (sink.taken, bool(outgoing)) == (b"abcdef", False)


def test_limit_bounds_what_is_sent_and_the_time_begins_anew():
    outgoing, sink = Outgoing(), Sink(100)
    outgoing.add(b"abcdef", 1.0)
    assert outgoing.flush(sink, 5.0, limit=2) == (2, [])
    assert (sink.taken, outgoing.since) == (b"ab", 5.0)
