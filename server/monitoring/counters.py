"""Plain counters, in memory that other processes can read.

Strategy: a row of 64-bit words for each serving process, all on one board that is mapped before any of them is forked.
Who serves adds to its own words; who shows them copies the board. Nobody asks, nobody locks, and what a process had
counted is still there after it was killed. A server of one process needs no such memory: its row is a list, which is
twice as fast. Rules:

- A word has one writer: one thread of one process, or several that take a lock of their own. Those of a row are its
  process's, but for `pid` and `given`, which are the parent's.
- Row 0 belongs to the process that began; with processes below it, it also keeps what those that are gone had counted.
- On the path of a message words are added to by position (`words[MESSAGES] += 1`), elsewhere by name: a name costs a
  call more.
- The ways a connection can end stand before the accepted ones, and a copy is made from the front: those that are held,
  which is the difference, can't come out below zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from mmap import mmap
from typing import Protocol, TypeAlias

#: How a connection can end, and what each means.
CLOSE_REASONS: dict[str, str] = {
    "client": "the client ended its input, and had all its replies",
    "reset": "the client reset the connection or was gone",
    "timed-out": "the kernel gave the client up: no sign of life, or it would not take its replies",
    "idle": "silent for --idle-timeout",
    "message-timeout": "a message was not complete within --message-timeout",
    "too-long": "a message was longer than --max-message",
    "answered": "the sync model closes after its reply",
    "drain": "the server was asked to stop and owed nothing more",
    "cut": "the server was asked to stop and could not wait longer",
    "lost": "the process that held it died",
    "failed": "an error of the kernel that none of the others covers; it is in the log",
}

_NAMES = (
    *(f"closed {reason}" for reason in CLOSE_REASONS),
    *("accepted", "refused", "accept_errors", "messages", "replies", "unfinished", "bytes_in", "bytes_out", "turns"),
    "log_dropped",
)
_WAYS = len(CLOSE_REASONS)
MESSAGES = _NAMES.index("messages")
REPLIES = _NAMES.index("replies")
BYTES_IN = _NAMES.index("bytes_in")
BYTES_OUT = _NAMES.index("bytes_out")
TURNS = _NAMES.index("turns")
_SUMMED = len(_NAMES)
_PID, _GIVEN, _LAG = range(_SUMMED, _SUMMED + 3)

#: Words and bytes of a row: a power of two, so that no row shares a cache line with another.
ROW_WORDS = 32
ROW_BYTES = 8 * ROW_WORDS

SERVING, DRAINING, CUTTING = range(3)

#: Rows of a board. Those that nobody has written to cost no memory.
ROWS = 4096


Words: TypeAlias = "list[int] | memoryview[int]"


class _HasWords(Protocol):
    words: Words


class _Word:
    """A word of the row by its name."""

    def __init__(self, position: int) -> None:
        self._position = position

    def __get__(self, counters: _HasWords, owner: type) -> int:
        return counters.words[self._position]

    def __set__(self, counters: _HasWords, value: int) -> None:
        counters.words[self._position] = value


class Counters:
    """What happened in one process since it began. `words` are the counts by position, `lag` how long its turns are."""

    __slots__ = ("closed", "lag", "words")

    accepted = _Word(_NAMES.index("accepted"))
    refused = _Word(_NAMES.index("refused"))
    accept_errors = _Word(_NAMES.index("accept_errors"))
    messages = _Word(MESSAGES)
    replies = _Word(REPLIES)
    unfinished = _Word(_NAMES.index("unfinished"))
    bytes_in = _Word(BYTES_IN)
    bytes_out = _Word(BYTES_OUT)
    turns = _Word(TURNS)
    log_dropped = _Word(_NAMES.index("log_dropped"))
    #: The process that counts here, 0: none. Not set in row 0.
    pid = _Word(_PID)
    #: Connections that were handed to that process, whether or not it has taken them.
    given = _Word(_GIVEN)

    def __init__(self, row: memoryview | None = None) -> None:
        self.words: Words = [0] * ROW_WORDS if row is None else row.cast("q")
        self.closed = _Closed(self.words)
        self.lag = Lag(None if row is None else row[8 * _LAG :].cast("d"))

    @property
    def ended(self) -> int:
        """Connections that were open."""
        return sum(self.words[:_WAYS])

    @property
    def held(self) -> int:
        """Connections that are open."""
        return self.accepted - self.ended

    def add(self, other: Counters) -> None:
        """Add what another has counted."""
        for position in range(_SUMMED):
            self.words[position] += other.words[position]

    def copy(self) -> Counters:
        """Return the same counts, as they are now."""
        copied = Counters()
        for position, word in enumerate(list(self.words)):
            copied.words[position] = word
        copied.lag.follow(self.lag)
        return copied

    def clear(self) -> None:
        """Begin anew."""
        for position in range(ROW_WORDS):
            self.words[position] = 0


class _Closed(Mapping[str, int]):
    """The connections that have ended, by reason."""

    __slots__ = ("_words",)

    def __init__(self, words: Words) -> None:
        self._words = words

    def __getitem__(self, reason: str) -> int:
        return int(self._words[_POSITIONS[reason]])

    def __setitem__(self, reason: str, count: int) -> None:
        self._words[_POSITIONS[reason]] = count

    def __iter__(self) -> Iterator[str]:
        return iter(CLOSE_REASONS)

    def __len__(self) -> int:
        return len(CLOSE_REASONS)


_POSITIONS = {reason: position for position, reason in enumerate(CLOSE_REASONS)}


class Lag:
    """How long the serving thread stays away from waiting: its turns, in seconds.

    The value is the longest turn of the last full second and of what came since, the turn that is going on included:
    a loop that is stuck shows it while it is stuck. The model calls `away` before each wait and `back` after it. The
    one who does keeps what it compares with in attributes, and writes to the shared words only what has changed.
    """

    __slots__ = ("_back_at", "_second", "_times", "_worst")

    def __init__(self, times: memoryview[float] | None = None) -> None:
        self._times: list[float] | memoryview[float] = [0.0] * 4 if times is None else times
        self._back_at = 0.0
        self._second = 0.0
        self._worst = 0.0

    def back(self, now: float) -> None:
        """Waiting has ended at `now` (monotonic seconds): a turn begins."""
        self._back_at = self._times[_BACK_AT] = now

    def away(self, now: float) -> None:
        """The turn has ended at `now`; waiting begins."""
        if now - self._second >= 1.0:
            self._next_second(now)
        if self._back_at:
            if now - self._back_at > self._worst:
                self._worst = self._times[_WORST] = now - self._back_at
            self._times[_BACK_AT] = 0.0

    def _next_second(self, now: float) -> None:
        times = self._times
        times[_LAST] = self._worst if now - self._second < 2.0 else 0.0
        self._worst = times[_WORST] = 0.0
        self._second = times[_SECOND] = now

    def follow(self, other: Lag) -> None:
        """Say what the other says."""
        for position, when in enumerate(list(other._times)):
            self._times[position] = when

    def seconds(self, now: float) -> float:
        """Return the longest turn as of `now`; safe to call from another thread or process."""
        times = self._times
        back_at = times[_BACK_AT]
        going_on = now - back_at if back_at else 0.0
        if now - times[_SECOND] >= 2.0:
            return going_on  # The rest is older than two seconds.
        return max(times[_LAST], times[_WORST], going_on)


_BACK_AT, _SECOND, _WORST, _LAST = range(4)  # _BACK_AT 0: waiting


class Board:
    """What the process that began has counted, alone: one row, in memory of its own.

    The head says what others need to know of that process, which alone writes there.
    """

    #: SERVING, DRAINING or CUTTING: how far the server's end has come.
    stage = _Word(2)
    #: Processes begun anew.
    respawns = _Word(3)
    #: Newcomers in the hands of the process that began, for want of another to give them to.
    arriving = _Word(5)
    #: 1: who takes a newcomer or loses a connection says so to the process that began, because it waits for that.
    telling = _Word(4)

    def __init__(self) -> None:
        self.words: Words = [0] * ROW_WORDS
        self._alone = Counters()

    def row(self, number: int) -> Counters:
        """Return the counters of row `number`."""
        if number:
            raise IndexError(f"row {number} of a board that is not shared")
        return self._alone

    def serves(self) -> bool:
        """Return whether there is a process to serve anybody."""
        return True

    def copy(self) -> list[Counters]:
        """Return what all rows say now, as counters of the caller's own."""
        return [self._alone.copy()]


class SharedBoard(Board):
    """Row 0 and one for each process below it, in memory that is seen by whatever is forked later."""

    def __init__(self) -> None:
        # Never closed by hand: it is gone with the last of the views on it.
        self._memory = memoryview(mmap(-1, ROW_BYTES * (1 + ROWS)))
        self.words = self._memory[:ROW_BYTES].cast("q")
        self.row(0)

    def row(self, number: int) -> Counters:
        """Return the counters of row `number`, which is among those shown from now on."""
        self.words[_USED] = max(self.words[_USED], number + 1)
        start = ROW_BYTES * (1 + number)
        return Counters(self._memory[start : start + ROW_BYTES])

    def serves(self) -> bool:
        """Return whether there is a process to serve anybody."""
        return any(row.pid for row in self.copy()[1:])

    @contextmanager
    def rewriting(self) -> Iterator[None]:
        """Change several rows as one: a copy is made before or after, never of half of it. One process only."""
        self.words[_VERSION] += 1
        try:
            yield
        finally:
            self.words[_VERSION] += 1

    def copy(self) -> list[Counters]:
        """Return what all rows say now, as counters of the caller's own."""
        while True:
            version = self.words[_VERSION]
            rows = self.words[_USED]
            copied = memoryview(bytearray(self._memory[ROW_BYTES : ROW_BYTES * (1 + rows)]))
            if version % 2 == 0 and version == self.words[_VERSION]:
                return [Counters(copied[start : start + ROW_BYTES]) for start in range(0, len(copied), ROW_BYTES)]


_VERSION, _USED = range(2)  # of the head's words; the others have names
