"""The log: a bounded ring and a thread that writes it out.

Strategy: whoever has something to say puts it into a queue and goes on; formatting and writing, which may block on a
full pipe, happen in a thread. Rules:

- Nothing on the serving thread's path waits for the log: when the ring is full, the line is dropped and counted, and
  the writer says how many were lost as soon as it can write again.
- Lines carry no time of their own: `docker compose logs -t`, journald and the like add it.
- Several processes may write to one pipe: what is written at once is no longer than a pipe takes undivided.
- Several threads may drop lines at once: those are counted under a lock, which nobody else needs.
- A process that forks has no thread (see `processes`): `ThreadlessLog` writes at once, and only what is taken at once.
- One synchronous record of `logging` costs more than echoing a message (17 us against 14), hence this.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import IO

from server.monitoring.counters import Counters

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

#: Lines that wait for the writer. At a kilobyte of received data each (`EXCERPT`) that is 4 MB at most.
CAPACITY = 4096

#: Most of one received chunk that is kept for a log line: what the tutorial's recv(1024) would have printed.
EXCERPT = 1024

#: The writer collects for so long before it writes: one wake-up for many lines leaves the loop its interpreter.
COLLECT_SECONDS = 0.02

#: How long the end of the process waits for a writer whose pipe is stuck.
CLOSE_SECONDS = 1.0

_Line = tuple[str, tuple[object, ...]]


class LogRing:
    """Lines go in without waiting, and out to `stream` by a thread. Safe to use from any thread.

    `name` stands before each line, of a process that is one of several. What is lost is counted in `counters`.
    """

    def __init__(self, stream: IO[str], level: str = "info", capacity: int = CAPACITY, name: str = "") -> None:
        self.counters = Counters()
        self._name = name
        self._level = LEVELS[level]
        self._capacity = capacity
        self._stream = stream
        self._reported = 0
        self._dropping = threading.Lock()
        self._queue: SimpleQueue[_Line | None] = SimpleQueue()
        self._closing = threading.Event()
        self._writer: threading.Thread | None = None

    def start(self) -> None:
        """Start the writer; lines that came before wait for it."""
        self._writer = threading.Thread(target=self._write_all, name="log writer", daemon=True)
        self._writer.start()

    @property
    def dropped(self) -> int:
        """Lines that were lost."""
        return self.counters.log_dropped

    @property
    def debugging(self) -> bool:
        """Whether debug lines are wanted; who logs per message asks once, at the start."""
        return self._level <= LEVELS["debug"]

    def debug(self, text: str, *args: object) -> None:
        """Log `text % args` for those who watch every connection."""
        self._put(10, text, args)

    def info(self, text: str, *args: object) -> None:
        """Log `text % args`, an event in the server's life."""
        self._put(20, text, args)

    def warning(self, text: str, *args: object) -> None:
        """Log `text % args`, something that a person should know."""
        self._put(30, text, args)

    def error(self, text: str, *args: object) -> None:
        """Log `text % args`, something that should not have happened."""
        self._put(40, text, args)

    def _put(self, level: int, text: str, args: tuple[object, ...]) -> None:
        if level < self._level:
            return
        if self._queue.qsize() >= self._capacity:
            self._drop(1)
            return
        self._queue.put((text, args))

    def _drop(self, lines: int) -> None:
        with self._dropping:
            self.counters.log_dropped += lines

    def close(self) -> None:
        """Write out what waits, if started, and end the writer; a stuck stream is given up after `CLOSE_SECONDS`."""
        self._closing.set()
        self._queue.put(None)
        if self._writer is not None:
            self._writer.join(CLOSE_SECONDS)

    def _write_all(self) -> None:
        while True:
            first = self._queue.get()
            if first is not None:
                self._closing.wait(COLLECT_SECONDS)
            lines, ended = self._collect(first)
            self._write(lines)
            if ended:
                return

    def _collect(self, first: _Line | None) -> tuple[list[str], bool]:
        """Return the lines that wait, formatted, and whether the end was among them."""
        lines: list[str] = []
        entry = first
        try:
            while entry is not None and len(lines) < self._capacity:
                lines.append(self._formatted(*entry))
                entry = self._queue.get_nowait()
        except Empty:
            return lines, False
        if entry is not None:
            lines.append(self._formatted(*entry))
        return lines, entry is None

    def _write(self, lines: list[str]) -> None:
        lost = self.dropped - self._reported
        if lost:
            self._reported += lost
            lines.append(self._formatted("the log was too slow: %d lines dropped", (lost,)))
        for text in _pieces(lines):
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):
                # Nobody reads the log any more. Serving goes on, and the metric says that lines were lost.
                self._drop(text.count("\n"))
                self._reported = self.dropped

    def _formatted(self, text: str, args: tuple[object, ...]) -> str:
        return self._name + (text % args if args else text) + "\n"


class ThreadlessLog(LogRing):
    """The same without a thread: a line is written at once if the stream takes it at once, else it is lost.

    For a process that says little. (Another that writes to the same pipe may fill it between the look and the write;
    then this one waits until the pipe's reader has read on.)
    """

    def __init__(self, stream: IO[str], level: str = "info") -> None:
        super().__init__(stream, level)
        self._room = select.poll()
        self._room.register(stream, select.POLLOUT)

    def start(self) -> None:
        """There is nothing to start."""

    def _put(self, level: int, text: str, args: tuple[object, ...]) -> None:
        if level < self._level:
            return
        if self._room.poll(0):
            self._write([self._formatted(text, args)])
        else:
            self._drop(1)


def _pieces(lines: Iterable[str]) -> Iterator[str]:
    """Put lines together as far as a pipe takes them undivided; a longer one comes alone."""
    piece = ""
    for line in lines:
        if piece and len(piece) + len(line) > select.PIPE_BUF:
            yield piece
            piece = ""
        piece += line
    yield piece
