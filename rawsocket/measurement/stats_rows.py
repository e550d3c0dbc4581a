"""The rows of the statistics: each has the successes, failures, bytes and times of all events of one name.

A success has one of three kinds of time:

- A latency: `add()`, or what the hot path appends. Judged by the thresholds of latency.
- A wait: `add_wait()`. How long a session waited for a message that nothing had asked for. It is shown, but it says
  nothing about the speed of a server, so it is never judged, nor merged with latencies.
- None: `add_count()`. A one-way message that was sent, or a push that arrived.

No time is negative: one that is counts as 0, here and wherever histograms are merged.

HdrHistogram's own `record_value` takes 2.7 us a value; gathering times and binning them takes 0.2.
"""

from collections import Counter
from collections.abc import Iterable

TYPE = "TCP"
MEASURED = "MEASURED"  # the type of figures of a scenario's own, see custom_figures.py
CONNECT = "connect"
RECONNECT = "reconnect"
DROP = "drop"
# Rows of what no request names: pushes, answers to them, and a receive() without a name of its own.
PUSH, PUSH_REPLY, RECEIVE = "push", "push-reply", "receive"
TLS = "tls"
CONNECTS = (CONNECT, RECONNECT)
# Rows whose events have only one time each, from their start to their end.
ONE_TIME = (*CONNECTS, TLS)
# Rows without messages: the judgement of latency leaves them out.
CONNECTION_ROWS = (*ONE_TIME, DROP)

# HdrHistogram with 3 significant digits distinguishes 2,048 values in each power of two.
KEPT_BITS = 11
# Times that a row gathers before it bins them by itself; binning them takes about a tenth of a millisecond.
BIN_AFTER = 500
MICROSECONDS = (1e6).__mul__

Times = tuple[float, float, float]


def truncate(us: int) -> int:
    """Return the lowest value (us) that HdrHistogram(1, 3_600_000_000, 3) treats as equal to `us`; 0 below zero.

    So recording the result is the same as recording `us`: 123456 becomes 123456 - 123456 % 64.
    """
    if us < 0:
        return 0
    shift = us.bit_length() - KEPT_BITS
    return us >> shift << shift if shift > 0 else us


class Row:
    """One line of the statistics: all events of one name.

    The hot path appends the times of a success: to `plain` its seconds from sent to whole reply, if it was sent when
    due and its reply came in one read; else to `full` its seconds (from due, from sent, to the first byte).
    """

    __slots__ = (
        "again",
        "again_bytes",
        "bytes",
        "due",
        "failures",
        "first",
        "full",
        "plain",
        "sent",
        "successes",
        "wait",
        "waits",
    )
    type = TYPE

    def __init__(self) -> None:
        self.successes = 0  # already in histograms, or without a time
        self.failures: dict[str, int] = {}
        self.bytes = 0
        self.again = 0  # successes that have counted in another row: the sum of all rows leaves them out
        self.again_bytes = 0
        self.plain: list[float] = []
        self.full: list[Times] = []
        self.waits: list[float] = []
        self.sent: Counter[int] = Counter()
        self.due: Counter[int] = Counter()
        self.first: Counter[int] = Counter()
        self.wait: Counter[int] = Counter()

    @property
    def requests(self) -> int:
        """Events of this row."""
        gathered = len(self.plain) + len(self.full) + len(self.waits)
        return self.successes + gathered + sum(self.failures.values())

    def add(self, times: Times, length: int) -> None:
        """Add a success: seconds (from due, from sent, to the first byte), `length` bytes of reply."""
        self.bytes += length
        self.full.append(times)
        if len(self.full) >= BIN_AFTER:
            self.bin_times()

    def add_wait(self, seconds: float, length: int) -> None:
        """Add a success whose time is a wait of that many seconds; `length` bytes came, and have counted as a push."""
        self.bytes += length
        self.count_again(length)
        self.waits.append(seconds)
        if len(self.waits) >= BIN_AFTER:
            self.bin_times()

    def add_count(self, length: int) -> None:
        """Add a success without a time; `length` bytes were sent or came."""
        self.bytes += length
        self.successes += 1

    def count_again(self, length: int) -> None:
        """Note that a success of this row, of `length` bytes, has counted in another row."""
        self.again += 1
        self.again_bytes += length

    def bin_times(self) -> None:
        """Move the gathered times into the histograms."""
        plain, full, waits = self.plain, self.full, self.waits
        if plain:
            self.plain = []
            self.successes += len(plain)
            _add(plain, (self.sent, self.first, *self._of_due()))
        if full:
            self.full = []
            self.successes += len(full)
            dues, sents, firsts = zip(*full, strict=True)
            _add(dues, self._of_due())
            _add(sents, (self.sent,))
            _add(firsts, (self.first,))
        if waits:
            self.waits = []
            self.successes += len(waits)
            _add(waits, self._of_wait())

    def _of_due(self) -> tuple[Counter[int], ...]:
        """Return the histograms that take the times from due."""
        return (self.due,)

    def _of_wait(self) -> tuple[Counter[int], ...]:
        """Return the histograms that take the waits."""
        return (self.wait,)

    def take(self) -> dict[str, list[list[int]]]:
        """Return the histograms' [us, count] pairs since the last call."""
        self.bin_times()
        histograms = {"sent": self.sent, "due": self.due, "first": self.first, "wait": self.wait}
        self.sent, self.due, self.first, self.wait = Counter(), Counter(), Counter(), Counter()
        return {name: _pairs(histogram) for name, histogram in histograms.items()}


class ConnectRow(Row):
    """A row of connect attempts or TLS handshakes: only one time each, from its start to its end."""

    __slots__ = ()

    def take(self) -> dict[str, list[list[int]]]:
        """Return the histogram's [us, count] pairs since the last call; only those of the attempt."""
        return {**super().take(), "due": [], "first": []}


def row_for(name: str) -> Row:
    """Return a new row of the right kind for that name."""
    return ConnectRow() if name in ONE_TIME else Row()


class Rows(dict[str, Row]):
    """Rows by name; a new name gets a row of the right kind."""

    def __missing__(self, name: str) -> Row:
        row = self[name] = row_for(name)
        return row


def _add(seconds: Iterable[float], histograms: Iterable[Counter[int]]) -> None:
    for us, number in Counter(map(int, map(MICROSECONDS, seconds))).items():
        key = truncate(us) if us > 0 else 0  # a message that was here before it was asked for took no time
        for histogram in histograms:
            histogram[key] += number


def _pairs(histogram: Counter[int]) -> list[list[int]]:
    return [[us, number] for us, number in histogram.items()]
