"""What is due and has no reply when stop is asked, sent or not: how long it has waited by then. Pure.

A message that never came back has no latency, but a lower bound of one: its age. Left out, a server that freezes until
the end of a run would look as fast as it was before (coordinated omission once more, at the end instead of in between).
So each of them goes into the latencies from due with its age; it is looked for once, at the stop, and costs no message
anything. Rules:

- Due is what the ledger calls due: what was sent, and slots whose time has come. Slots that passed while there was no
  connection are unsent by the failure that took it, and not waiting for anything.
- A message is waiting only where somebody wants its reply: one of `Send` that expects nothing in particular does when
  a `Receive` waits for it.
- It waits for what is *owed*: a reply since the oldest message in flight was sent, or a connection since its connect
  was begun. What became due behind that waits for the same. Where nothing is owed, or bytes have come that were not
  read yet, a message waits for this process and not for the server.
- What is owed for less than OWED_AFTER is on its way. As the bound of a latency it would tell nothing.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from rawsocket.engine.in_flight import LATE_AFTER
from rawsocket.measurement.rows import MICROSECONDS, truncate

OWED_AFTER = LATE_AFTER  # seconds; below that, it is the generator's noise


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

    def report(self) -> dict[str, Any]:
        """Give the "waiting" of a report, msgpack-able."""
        return {
            "count": self.count,
            "oldest_s": self.oldest_s,
            "rows": {name: [[us, number] for us, number in row.items()] for name, row in self.rows.items()},
            "owed": [[us, number] for us, number in self.owed.items()],
        }


def _key(seconds: float) -> int:
    return truncate(int(MICROSECONDS(seconds)))
