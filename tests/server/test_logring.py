"""The log: lines come out, too many are dropped and counted, and nobody ever waits."""

from __future__ import annotations

import io
import threading

import pytest

from server.logring import LogRing


class StuckStream(io.StringIO):
    """A pipe that nobody reads: a write waits until it is freed."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.freed = threading.Event()

    def write(self, text: str) -> int:
        self.entered.set()
        assert self.freed.wait(30)
        return super().write(text)


class BrokenStream(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def started(stream: io.StringIO, level: str = "debug", capacity: int = 10) -> LogRing:
    log = LogRing(stream, level, capacity)
    log.start()
    return log


def test_lines_come_out_in_order_and_formatted() -> None:
    stream = io.StringIO()
    log = started(stream)
    log.info("one %s", 1)
    log.debug("getting data: %r", b"x")
    log.warning("100%")
    log.close()
    assert stream.getvalue() == "one 1\ngetting data: b'x'\n100%\n"
    assert log.dropped == 0


@pytest.mark.parametrize(("level", "lines"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_level_decides(level: str, lines: int) -> None:
    stream = io.StringIO()
    log = started(stream, level)
    assert log.debugging == (level == "debug")
    for say in (log.debug, log.info, log.warning, log.error):
        say("line")
    log.close()
    assert stream.getvalue() == "line\n" * lines


def test_what_is_too_much_is_dropped_counted_and_said() -> None:
    stream = StuckStream()
    log = started(stream, capacity=10)
    log.info("first")
    assert stream.entered.wait(30)  # The writer is stuck with it; the ring is empty.
    for number in range(25):
        log.info("line %d", number)  # Returns at once though nobody writes.
    assert log.dropped == 15
    stream.freed.set()
    log.close()
    lines = stream.getvalue().splitlines()
    assert lines == ["first", *(f"line {number}" for number in range(10)), "the log was too slow: 15 lines dropped"]


def test_a_stuck_stream_does_not_keep_the_process() -> None:
    stream = StuckStream()
    log = started(stream)
    log.info("stuck")
    assert stream.entered.wait(30)
    log.close()
    stream.freed.set()


def test_a_broken_stream_is_survived_and_counted() -> None:
    log = started(BrokenStream())
    log.info("one")
    log.info("two")
    log.close()
    assert log.dropped == 2


def test_one_that_was_never_started_can_be_closed() -> None:
    LogRing(io.StringIO()).close()
