"""Messages that are due and have no reply when stop is asked, sent or not: how long they have waited. Pure.

A message without a reply has no latency, but its age is a lower bound of it. Without these ages, a server that freezes
until the end of a run would look as fast as before (coordinated omission at the end of a run). So each of these
messages is added to the latencies from due with its age. They are collected once, at the stop; the hot path does
nothing for them. Rules:

- Due has the same meaning as in the ledger: messages that were sent, and slots whose time has come. Slots that passed
  while there was no connection are unsent, by the failure that ended it, and don't wait.
- A message waits only if its reply is needed: a message of `Send` without an expected reply waits if a `Receive` waits
  for it.
- It waits for something *outstanding* (`owed`): a reply, since the oldest message in flight was sent, or a connection,
  since its connect was started. Messages that became due after that wait for the same. If nothing is outstanding, or if
  bytes have arrived that were not read yet, a message waits for this process and not for the server.
- A reply that is outstanding for less than OWED_AFTER counts as in transit and is left out.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from rawsocket.measurement.report import Overdue, Pairs
from rawsocket.measurement.stats_rows import MICROSECONDS, truncate

# Seconds after which a message that was due counts as late; below that, it is the generator's noise.
LATE_AFTER = 0.01
OWED_AFTER = LATE_AFTER  # seconds


@dataclass
class OverdueTotals:
    """Messages of all workers without a reply at the stop; `owed`: {microseconds a reply was outstanding: messages}."""

    count: int = 0
    oldest_s: float = 0.0
    owed: dict[int, int] = field(default_factory=dict)


class Waiting(NamedTuple):
    """The waiting messages of one connection; `name` is the row of the oldest message in flight, or ""."""

    name: str
    owed: float  # seconds for which a reply, or the connection for it, is outstanding
    ages: list[tuple[float, int]]  # (seconds since due, at least; messages)


class Waits:
    """The waiting messages of one process."""

    def __init__(self) -> None:
        self.count = 0
        self.oldest_s = 0.0
        self.rows: dict[str, Counter[int]] = {}  # by name: {microseconds since due: messages}
        self.owed: Counter[int] = Counter()  # {microseconds for which a reply is outstanding: messages waiting for it}

    def add(self, found: Iterable[Waiting], unnamed: str) -> None:
        """Add up what was found; `unnamed` is the row for unsent messages on a connection with none in flight."""
        for name, owed, ages in found:
            row = self.rows.setdefault(name or unnamed, Counter())
            for seconds, number in ages:
                row[_key(seconds)] += number
            number = sum(number for _, number in ages)
            self.count += number
            self.owed[_key(owed)] += number
            self.oldest_s = max(self.oldest_s, *(seconds for seconds, _ in ages))

    def report(self) -> Overdue:
        """Return this part of a worker's report."""
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
