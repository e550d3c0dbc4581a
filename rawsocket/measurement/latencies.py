"""Pure: the times of a run by row and by kind: of all of it, of the steady window, of this second.

They are those of successes, and from due also those for which messages without a reply had waited at the end.

What was timed, in the words of the verdict:

- connect: from begun to connected, rows `connect` and `reconnect`.
- from_due: from when a message was due to its whole reply: what a caller would have felt.
- from_sent: from when it was sent to its whole reply. Equal to from_due where nothing paces.
- first_byte: from when it was sent to the first byte of its reply.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from rawsocket.measurement import histogram
from rawsocket.measurement.histogram import Histogram
from rawsocket.measurement.rows import CONNECTION_ROWS, CONNECTS, TYPE

RowKey = tuple[str, str]
KINDS = ("connect", "from_sent", "from_due", "first_byte")
# The lists of a report's row: what they are called there, and what they mean in a row of requests.
REPORTED = {"sent": "from_sent", "due": "from_due", "first": "first_byte"}
Times = dict[str, dict[int, int]]


class Latencies:
    """Adds up what the reports of all workers bring; each report holds what is new since the one before."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget the run before."""
        self.run: dict[RowKey, Times] = {}
        self.steady: dict[RowKey, Times] = {}
        self.slowest_us = 0
        self._fresh = _empty()

    def open_window(self) -> None:
        """Make what comes with `steady` the steady window's, and forget an earlier window."""
        self.steady = {}

    def take(self, rows: Iterable[Any], steady: bool, late: bool = False) -> None:
        """Take the rows of one report; `late`: it is of the time after stop was asked."""
        for kind, name, *_, lists in rows:
            if not late and meaning(name, "sent") == "from_sent":
                self.slowest_us = max(self.slowest_us, *(us for us, _ in lists["sent"]), 0)
            self._add(self.run, (kind, name), lists)
            if steady:
                self._add(self.steady, (kind, name), lists)
            for reported, pairs in lists.items():
                meant = meaning(name, reported)
                if meant:
                    histogram.add(self._fresh[meant], pairs)

    def wait(self, rows: Mapping[str, Any], steady: bool) -> None:
        """Take, by row, for how long the messages without a reply had waited when stop was asked: from due, at least.

        They are no successes; from sent and to the first byte stay those of messages that were answered.
        """
        for name, pairs in rows.items():
            for into in (self.run, self.steady) if steady else (self.run,):
                self._add(into, (TYPE, name), {"due": pairs})
            histogram.add(self._fresh["from_due"], pairs)

    def _add(self, into: dict[RowKey, Times], key: RowKey, lists: Mapping[str, Any]) -> None:
        times = into.setdefault(key, {reported: {} for reported in REPORTED})
        for reported, pairs in lists.items():
            histogram.add(times[reported], pairs)

    def fresh(self) -> Times:
        """Give (once) by kind what came in since the last call."""
        fresh, self._fresh = self._fresh, _empty()
        return fresh


def by_kind(rows: Mapping[RowKey, Mapping[str, Histogram]]) -> Times:
    """Give the times of all rows together, by kind."""
    whole = _empty()
    for (_, name), times in rows.items():
        for reported, counts in times.items():
            meant = meaning(name, reported)
            if meant:
                histogram.add(whole[meant], counts.items())
    return whole


def meaning(name: str, reported: str) -> str | None:
    """Give the kind that a list of the row of that name belongs to; None for one that no verdict speaks of."""
    if name in CONNECTS:
        return "connect" if reported == "sent" else None
    return None if name in CONNECTION_ROWS else REPORTED[reported]


def _empty() -> Times:
    return {kind: {} for kind in KINDS}
