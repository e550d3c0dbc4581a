"""The log: a bounded queue and a thread that writes it out.

Strategy: the caller puts a line into a queue and goes on; a thread formats and writes it, because a write may block on
a full pipe. Rules:

- Serving never waits for the log: when the queue is full, the line is dropped and counted, and the writer logs how many
  were dropped as soon as it can write again.
- Lines carry no timestamp: `docker compose logs -t`, journald and the like add it.
- Several processes may write to one pipe, so a single write is never longer than PIPE_BUF, which a pipe keeps intact.
- Several threads may drop lines at once, so drops are counted under a lock. Nothing else needs one.
- A process that forks has no threads (see `processes/fork.py`): `ThreadlessLog` writes at once, or drops the line if
  the write would block.
- One synchronous record of `logging` costs more than echoing a message (17 us against 14), hence this module.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import IO

from server.monitoring.counters import Counters

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

#: Lines that wait for the writer. At a kilobyte of received data each (`EXCERPT_BYTES`) that is 4 MB at most.
QUEUE_LINES = 4096

#: How much of a received chunk a log line shows: as much as the tutorial's recv(1024) would have printed.
EXCERPT_BYTES = 1024

#: The writer collects lines for so long before it writes: one wake-up for many lines leaves the loop more CPU.
COLLECT_SECONDS = 0.02

#: How long the end of the process waits for a writer whose pipe is stuck.
CLOSE_SECONDS = 1.0

_Line = tuple[str, tuple[object, ...]]


class LogRing:
    """A log whose callers never wait; a thread writes to `stream`. Safe to use from any thread.

    `name` is the prefix of each line, for one of several processes. Dropped lines are counted in `counters`.
    `debugging`: whether debug lines are wanted; code that logs per message asks first.
    """

    def __init__(self, stream: IO[str], level: str = "info", capacity: int = QUEUE_LINES, name: str = "") -> None:
        self.counters = Counters()
        self.debugging = LEVELS[level] <= LEVELS["debug"]
        self._name = name
        self._level = LEVELS[level]
        self._capacity = capacity
        self._stream = stream
        self._reported = 0
        self._drop_lock = threading.Lock()
        self._queue: SimpleQueue[_Line | None] = SimpleQueue()
        self._closing = threading.Event()
        self._writer: threading.Thread | None = None

    def start(self) -> None:
        """Start the writer. Lines logged earlier have waited for it."""
        self._writer = threading.Thread(target=self._write_all, name="log writer", daemon=True)
        self._writer.start()

    @property
    def dropped(self) -> int:
        """How many lines were dropped."""
        return self.counters.log_dropped

    def debug(self, text: str, *args: object) -> None:
        """Log `text % args`, one event of one connection."""
        self._put(10, text, args)

    def info(self, text: str, *args: object) -> None:
        """Log `text % args`, an event in the server's life."""
        self._put(20, text, args)

    def warning(self, text: str, *args: object) -> None:
        """Log `text % args`, something that an operator should know."""
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
        with self._drop_lock:
            self.counters.log_dropped += lines

    def close(self) -> None:
        """Write the waiting lines if the writer runs, and end it; give up on a stuck stream after `CLOSE_SECONDS`."""
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
        """Return the waiting lines, formatted, and whether the end of the log was among them."""
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
                # The stream is closed. Serving goes on, and the metric shows that lines were lost.
                self._drop(text.count("\n"))
                self._reported = self.dropped

    def _formatted(self, text: str, args: tuple[object, ...]) -> str:
        return self._name + (text % args if args else text) + "\n"


class ThreadlessLog(LogRing):
    """The same log without a thread: a line is written at once, or dropped if the stream would block.

    For a process that logs little. (Another process may fill the pipe between the check and the write; then this one
    waits until the pipe's reader has read on.)
    """

    def __init__(self, stream: IO[str], level: str = "info") -> None:
        super().__init__(stream, level)
        self._writable = select.poll()
        self._writable.register(stream, select.POLLOUT)

    def start(self) -> None:
        """Do nothing: there is no thread."""

    def _put(self, level: int, text: str, args: tuple[object, ...]) -> None:
        if level < self._level:
            return
        if self._writable.poll(0):
            self._write([self._formatted(text, args)])
        else:
            self._drop(1)


def log_failure(log: LogRing, peer: object, reason: str, error: Exception) -> None:
    """Log the error that ended a connection, if its reason for closing does not say it."""
    if reason == "failed":
        log.error("connection from %s failed: %s", peer, error)


def _pieces(lines: Iterable[str]) -> Iterator[str]:
    """Join lines up to PIPE_BUF, the most that a pipe keeps intact; a longer line comes alone."""
    piece = ""
    for line in lines:
        if piece and len(piece) + len(line) > select.PIPE_BUF:
            yield piece
            piece = ""
        piece += line
    yield piece
