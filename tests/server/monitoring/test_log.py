"""The log: lines are written, excess lines are dropped and counted, and no caller waits."""

from __future__ import annotations

import io
import os
import select
import threading
from collections.abc import Iterator
from time import sleep
from typing import IO

import pytest

from server.monitoring.counters import Counters
from server.monitoring.log import LogRing, ThreadlessLog


class StuckStream(io.StringIO):
    """A pipe without a reader: a write blocks until it is released."""

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
def test_only_lines_of_the_level_and_above_are_written(level: str, lines: int) -> None:
    stream = io.StringIO()
    log = started(stream, level)
    assert log.debugging == (level == "debug")
    for say in (log.debug, log.info, log.warning, log.error):
        say("line")
    log.close()
    assert stream.getvalue() == "line\n" * lines


def test_lines_over_the_capacity_are_dropped_counted_and_reported() -> None:
    stream = StuckStream()
    log = started(stream, capacity=10)
    log.info("first")
    assert stream.entered.wait(30)  # The writer is stuck with it; the queue is empty.
    for number in range(25):
        log.info("line %d", number)  # Returns at once although nothing is written.
    assert log.dropped == 15
    stream.freed.set()
    log.close()
    lines = stream.getvalue().splitlines()
    assert lines == ["first", *(f"line {number}" for number in range(10)), "the log was too slow: 15 lines dropped"]


def test_a_stuck_stream_does_not_delay_the_end_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.monitoring.log.CLOSE_SECONDS", 0.1)
    stream = StuckStream()
    log = started(stream)
    log.info("stuck")
    assert stream.entered.wait(30)
    closing = threading.Thread(target=log.close, daemon=True)
    closing.start()
    closing.join(20)  # Shorter than the stream is stuck.
    assert not closing.is_alive()
    stream.freed.set()


def test_a_broken_stream_is_survived_and_counted() -> None:
    log = started(BrokenStream())
    log.info("one")
    log.info("two")
    log.close()
    assert log.dropped == 2


def test_a_log_that_was_never_started_can_be_closed() -> None:
    LogRing(io.StringIO()).close()


def test_each_line_starts_with_the_name_of_its_process() -> None:
    stream = StuckStream()
    log = LogRing(stream, "info", 1, name="process 3: ")
    log.start()
    log.info("first")
    assert stream.entered.wait(30)
    log.info("second")
    log.info("third")
    stream.freed.set()
    log.close()
    said = ["first", "second", "the log was too slow: 1 lines dropped"]
    assert stream.getvalue().splitlines() == [f"process 3: {line}" for line in said]


def test_dropped_lines_are_counted_in_the_given_counters() -> None:
    log = started(StuckStream(), capacity=0)
    log.counters = counters = Counters()
    log.info("there is no room at all")
    assert counters.log_dropped == log.dropped == 1


def test_lines_that_several_threads_drop_at_once_are_counted() -> None:
    class Slow(Counters):
        """Switch threads between the read and the write of a count."""

        @property
        def log_dropped(self) -> int:
            count = lost[-1]
            sleep(0.001)
            return count

        @log_dropped.setter
        def log_dropped(self, count: int) -> None:
            lost.append(count)

    lost = [0]
    log = LogRing(io.StringIO(), capacity=0)
    log.counters = Slow()
    threads = [threading.Thread(target=log.info, args=("too much",)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert lost == [0, 1, 2, 3, 4, 5]


def test_many_lines_are_written_in_pieces_that_a_pipe_keeps_intact() -> None:
    class Pieces(io.StringIO):
        def write(self, text: str) -> int:
            pieces.append(text)
            return len(text)

    pieces: list[str] = []
    log = started(Pieces(), capacity=1000)
    long = "x" * (select.PIPE_BUF + 1)
    for line in (*map(str, range(500)), "y" * 1000, "z" * 4000, long, "last"):
        log.info("%s", line)
    log.close()
    assert "".join(pieces).splitlines() == [*map(str, range(500)), "y" * 1000, "z" * 4000, long, "last"]
    assert all(piece.endswith("\n") for piece in pieces)
    assert all(len(piece) <= select.PIPE_BUF for piece in pieces if long not in piece)


# Without a thread


@pytest.fixture
def pipe() -> Iterator[tuple[IO[str], IO[str]]]:
    reading, writing = os.pipe()
    with open(reading) as reader, open(writing, "w") as writer:
        yield reader, writer


def test_without_a_thread_a_line_is_written_at_once(pipe: tuple[IO[str], IO[str]]) -> None:
    reader, writer = pipe
    before = threading.active_count()
    log = ThreadlessLog(writer, "info")
    log.start()
    log.debug("not wanted")
    log.warning("one %s", 1)
    assert reader.readline() == "one 1\n"
    assert threading.active_count() <= before  # Another test's thread may end meanwhile.
    log.close()


def test_without_a_thread_a_full_pipe_does_not_block(pipe: tuple[IO[str], IO[str]]) -> None:
    reader, writer = pipe
    log = ThreadlessLog(writer)
    written = 0
    while not log.dropped:
        log.info("x" * 999)  # There is no reader.
        written += 1
    log.info("lost as well")
    assert log.dropped == 2
    for _ in range(written - 1):
        assert reader.readline() == "x" * 999 + "\n"
    log.info("somebody reads again")
    assert reader.readline() == "somebody reads again\n"
    assert reader.readline() == "the log was too slow: 2 lines dropped\n"
