"""Plain counters, in memory that other processes can read.

Strategy: one row of 64-bit integers for each serving process, all in a shared map that is created before the first
fork (Apache calls this a scoreboard). A process adds to its own row; a reader copies the board. There are no requests
and no locks, and the counts of a process survive its death. A server of one process needs no shared memory: its row is
a list, which is twice as fast. Rules:

- A counter has one writer: one thread of one process, or several threads that share a lock. A row is written by its
  process, except `pid` and `assigned`, which the parent writes.
- Row 0 belongs to the process that started the server. With child processes it also holds the totals of those that
  have ended.
- Code that runs per message adds by position (`counts[MESSAGES] += 1`), all other code by name: a name costs one more
  call.
- The close reasons come before the accepted connections in a row, and a copy is made from the front: the open
  connections, which are the difference, are never negative.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from mmap import mmap
from typing import Protocol, TypeAlias

#: Why a connection was closed, and what each reason means.
CLOSE_REASONS: dict[str, str] = {
    "client": "the client ended its input and received all its replies",
    "reset": "the client reset the connection or was gone",
    "timed-out": "the kernel gave the client up: no sign of life, or it did not read its replies",
    "idle": "silent for --idle-timeout",
    "message-timeout": "a message was not complete within --message-timeout",
    "tls": "the client broke the rules of TLS, or its handshake failed or was not complete within --message-timeout",
    "too-long": "a message was longer than --max-message",
    "answered": "the sync model closes after its reply",
    "drain": "the server was stopping and had sent every reply",
    "cut": "the server was stopping and could not wait longer",
    "lost": "the process that held it died",
    "failed": "any other error of the kernel; the log has it",
}

_NAMES = (
    *(f"closed {reason}" for reason in CLOSE_REASONS),
    *("accepted", "refused", "accept_errors", "messages", "replies", "unfinished", "bytes_in", "bytes_out", "turns"),
    "log_dropped",
)
MESSAGES = _NAMES.index("messages")
REPLIES = _NAMES.index("replies")
BYTES_IN = _NAMES.index("bytes_in")
BYTES_OUT = _NAMES.index("bytes_out")
TURNS = _NAMES.index("turns")
_SUMMED = len(_NAMES)
_PID, _ASSIGNED, _LAG = range(_SUMMED, _SUMMED + 3)

#: Integers and bytes of a row: a power of two, so that no two rows share a cache line.
ROW_LENGTH = 32
ROW_BYTES = 8 * ROW_LENGTH

#: How far the server has come in stopping.
SERVING, DRAINING, CUTTING = range(3)

#: Rows of a board. A row that nobody has written to costs no memory.
ROWS = 4096


Counts: TypeAlias = "list[int] | memoryview[int]"


class _HasCounts(Protocol):
    counts: Counts


class _Count:
    """One integer of a row, by name."""

    def __init__(self, position: int) -> None:
        self._position = position

    def __get__(self, counters: _HasCounts, owner: type) -> int:
        return counters.counts[self._position]

    def __set__(self, counters: _HasCounts, value: int) -> None:
        counters.counts[self._position] = value


class Counters:
    """What one process has counted since it started. `counts` are the same figures by position."""

    __slots__ = ("closed", "counts", "lag")

    accepted = _Count(_NAMES.index("accepted"))
    refused = _Count(_NAMES.index("refused"))
    accept_errors = _Count(_NAMES.index("accept_errors"))
    messages = _Count(MESSAGES)
    replies = _Count(REPLIES)
    unfinished = _Count(_NAMES.index("unfinished"))
    bytes_in = _Count(BYTES_IN)
    bytes_out = _Count(BYTES_OUT)
    turns = _Count(TURNS)
    log_dropped = _Count(_NAMES.index("log_dropped"))
    #: The process that owns the row, 0: none. Not set in row 0.
    pid = _Count(_PID)
    #: Connections that were sent to that process, whether or not it has accepted them.
    assigned = _Count(_ASSIGNED)

    def __init__(self, row: memoryview | None = None) -> None:
        self.counts: Counts = [0] * ROW_LENGTH if row is None else row.cast("q")
        self.closed = _Closed(self.counts)
        self.lag = LoopLag(None if row is None else row[8 * _LAG :].cast("d"))

    @property
    def connections_closed(self) -> int:
        """Connections that have ended."""
        return sum(self.counts[: len(CLOSE_REASONS)])

    @property
    def connections(self) -> int:
        """Connections that are open."""
        return self.accepted - self.connections_closed

    def add(self, other: Counters) -> None:
        """Add what `other` has counted."""
        for position in range(_SUMMED):
            self.counts[position] += other.counts[position]

    def copy(self) -> Counters:
        """Return a copy of the current counts."""
        copied = Counters()
        for position, count in enumerate(list(self.counts)):
            copied.counts[position] = count
        copied.lag.copy_from(self.lag)
        return copied

    def clear(self) -> None:
        """Set everything to zero, for a new process in the same row."""
        for position in range(ROW_LENGTH):
            self.counts[position] = 0


class _Closed(Mapping[str, int]):
    """Closed connections by reason."""

    __slots__ = ("_counts",)

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def __getitem__(self, reason: str) -> int:
        return int(self._counts[_POSITIONS[reason]])

    def __setitem__(self, reason: str, count: int) -> None:
        self._counts[_POSITIONS[reason]] = count

    def __iter__(self) -> Iterator[str]:
        return iter(CLOSE_REASONS)

    def __len__(self) -> int:
        return len(CLOSE_REASONS)


_POSITIONS = {reason: position for position, reason in enumerate(CLOSE_REASONS)}


class LoopLag:
    """How long the serving thread spends between two waits: the length of its turns, in seconds.

    The value is the longest turn of the last full second and since, the current turn included: a stuck loop shows while
    it is stuck. A model calls `turn_ended` before each wait and `turn_started` after it. The writer keeps what it
    compares with in attributes, and writes to the shared figures only what has changed.
    """

    __slots__ = ("_second", "_times", "_turn_started_at", "_worst")

    def __init__(self, times: memoryview[float] | None = None) -> None:
        self._times: list[float] | memoryview[float] = [0.0] * 4 if times is None else times
        self._turn_started_at = 0.0
        self._second = 0.0
        self._worst = 0.0

    def turn_started(self, now: float) -> None:
        """Note that a wait has ended at `now` (monotonic seconds)."""
        self._turn_started_at = self._times[_TURN_STARTED_AT] = now

    def turn_ended(self, now: float) -> None:
        """Note that the next wait begins at `now`."""
        if now - self._second >= 1.0:
            self._next_second(now)
        if self._turn_started_at:
            if now - self._turn_started_at > self._worst:
                self._worst = self._times[_WORST] = now - self._turn_started_at
            self._times[_TURN_STARTED_AT] = 0.0

    def _next_second(self, now: float) -> None:
        times = self._times
        times[_LAST] = self._worst if now - self._second < 2.0 else 0.0
        self._worst = times[_WORST] = 0.0
        self._second = times[_SECOND] = now

    def copy_from(self, other: LoopLag) -> None:
        """Take over the figures of `other`."""
        for position, when in enumerate(list(other._times)):
            self._times[position] = when

    def seconds(self, now: float) -> float:
        """Return the longest turn as of `now`; safe to call from another thread or process."""
        times = self._times
        started_at = times[_TURN_STARTED_AT]
        current = now - started_at if started_at else 0.0
        if now - times[_SECOND] >= 2.0:
            return current  # The other figures are older than two seconds.
        return max(times[_LAST], times[_WORST], current)


_TURN_STARTED_AT, _SECOND, _WORST, _LAST = range(4)  # _TURN_STARTED_AT 0: waiting


class Board:
    """The counters of a single process: one row, in private memory.

    The head holds what others need to know of the process that started the server. Only that process writes there.
    """

    #: SERVING, DRAINING or CUTTING.
    stage = _Count(2)
    #: Child processes that were restarted.
    respawns = _Count(3)
    #: 1: a child process that accepts or closes a connection notifies the parent, which waits for that.
    reports_wanted = _Count(4)
    #: New connections that the parent holds because no child process can have them yet.
    in_parent = _Count(5)

    def __init__(self) -> None:
        self.counts: Counts = [0] * ROW_LENGTH
        self._only_row = Counters()

    def row(self, number: int) -> Counters:
        """Return the counters of row `number`."""
        if number:
            raise IndexError(f"row {number} of a board that is not shared")
        return self._only_row

    def has_serving_process(self) -> bool:
        """Return whether any process serves connections."""
        return True

    def copy(self) -> list[Counters]:
        """Return a copy of all rows."""
        return [self._only_row.copy()]


class SharedBoard(Board):
    """Row 0 and one row for each child process, in memory that every later fork shares."""

    def __init__(self) -> None:
        # Never closed explicitly: it goes with the last view on it.
        self._memory = memoryview(mmap(-1, ROW_BYTES * (1 + ROWS)))
        self.counts = self._memory[:ROW_BYTES].cast("q")
        self.row(0)

    def row(self, number: int) -> Counters:
        """Return the counters of row `number`; from now on `copy` includes it."""
        self.counts[_USED] = max(self.counts[_USED], number + 1)
        start = ROW_BYTES * (1 + number)
        return Counters(self._memory[start : start + ROW_BYTES])

    def has_serving_process(self) -> bool:
        """Return whether any process serves connections."""
        return any(row.pid for row in self.copy()[1:])

    @contextmanager
    def atomic_update(self) -> Iterator[None]:
        """Change several rows as one: `copy` sees all changes or none. For a single writing process."""
        self.counts[_VERSION] += 1
        try:
            yield
        finally:
            self.counts[_VERSION] += 1

    def copy(self) -> list[Counters]:
        """Return a copy of all rows."""
        while True:
            version = self.counts[_VERSION]
            rows = self.counts[_USED]
            copied = memoryview(bytearray(self._memory[ROW_BYTES : ROW_BYTES * (1 + rows)]))
            if version % 2 == 0 and version == self.counts[_VERSION]:
                return [Counters(copied[start : start + ROW_BYTES]) for start in range(0, len(copied), ROW_BYTES)]


_VERSION, _USED = range(2)  # Positions in the head; the others have names.
