"""Messages that are due and have no reply when stop is asked, sent or not: how long they have waited. Pure.

A message that never came back has no latency, but a lower bound of one: its age. Left out, a server that freezes until
the end of a run would look as fast as it was before (coordinated omission once more, at the end instead of in between).
So each of them goes into the latencies from due with its age. They are looked for once, at the stop; the hot path does
nothing for it. Rules:

- Due is what the ledger calls due: what was sent, and slots whose time has come. Slots that passed while there was no
  connection are unsent by the failure that took it, and not waiting for anything.
- A message is waiting only where its reply is wanted: a message of `Send` without an expected reply is, when a
  `Receive` waits for it.
- It waits for what is *owed*: a reply since the oldest message in flight was sent, or a connection since its connect
  was started. What became due behind that waits for the same. Where nothing is owed, or bytes have come that were not
  read yet, a message waits for this process and not for the server.
- A reply that is owed for less than OWED_AFTER counts as in transit and is left out.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from rawsocket.measurement.report import Overdue, Pairs
from rawsocket.measurement.rows import MICROSECONDS, truncate

# Seconds after which a message that was due counts as late; below that, it is the generator's noise.
LATE_AFTER = 0.01
OWED_AFTER = LATE_AFTER  # seconds


class Waiting(NamedTuple):
    """What waits on one connection, in seconds; `name` is the row of the oldest message in flight, "" without any."""

    name: str
    owed: float  # for which a reply, or the connection for it, is owed
    ages: list[tuple[float, int]]  # since how many messages were due, at least


class Waits:
    """What waits on all connections of one process."""

    def __init__(self) -> None:
        self.count = 0
        self.oldest_s = 0.0
        self.rows: dict[str, Counter[int]] = {}  # by name: {microseconds since due: messages}
        self.owed: Counter[int] = Counter()  # {microseconds for which a reply is owed: messages waiting for it}

    def add(self, found: Iterable[Waiting], unnamed: str) -> None:
        """Add up what was found; `unnamed` is the row of messages that were never sent with none before them."""
        for name, owed, ages in found:
            row = self.rows.setdefault(name or unnamed, Counter())
            for seconds, number in ages:
                row[_key(seconds)] += number
            number = sum(number for _, number in ages)
            self.count += number
            self.owed[_key(owed)] += number
            self.oldest_s = max(self.oldest_s, *(seconds for seconds, _ in ages))

    def report(self) -> Overdue:
        """Give that part of a worker's report."""
        return Overdue(
            count=self.count,
            oldest_s=self.oldest_s,
            rows={name: _pairs(row) for name, row in self.rows.items()},
            owed=_pairs(self.owed),
        )


def _pairs(counts: Counter[int]) -> Pairs:
    return [[us, number] for us, number in counts.items()]


def _key(seconds: float) -> int:
    return truncate(int(MICROSECONDS(seconds)))
