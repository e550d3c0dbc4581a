"""Pure: times of a run, of its steady window or of one second, by row and by kind.

Only successes have times; from due also includes how long messages without a reply had waited at the end.

The kinds, in the words of the verdict:

- connect: from the start of the attempt to the connection, rows `connect` and `reconnect`.
- from_due: from when a message was due to its whole reply: what a caller would see.
- from_sent: from when it was sent to its whole reply. Equal to from_due if nothing sets a pace.
- first_byte: from when it was sent to the first byte of its reply.

Waits (see stats_rows.py) are in their rows only: no kind includes them. Nor does a kind include the rows that are not
judged (`not_judged` of a user class).
"""

from collections.abc import Collection, Iterable, Mapping

from rawsocket.measurement import histogram
from rawsocket.measurement.report import Overdue, Pairs, RowReport
from rawsocket.measurement.stats_rows import CONNECTION_ROWS, CONNECTS, MEASURED, TYPE

RowKey = tuple[str, str]
KINDS = ("connect", "from_sent", "from_due", "first_byte")
# The lists in a row of a report: their names, and their kinds in a row of messages (None: in no kind).
REPORTED: Mapping[str, str | None] = {"sent": "from_sent", "due": "from_due", "first": "first_byte", "wait": None}
# Histograms by kind, or in a row by the name of the reported list.
Histograms = dict[str, dict[int, int]]


class Latencies:
    """Adds up the times in the reports of all workers; each report has those since the previous one.

    `unjudged` has the names of rows that are not judged; reports add to it. One set can serve several objects.
    """

    def __init__(self, unjudged: set[str] | None = None) -> None:
        self.rows: dict[RowKey, Histograms] = {}
        self.unjudged = set() if unjudged is None else unjudged

    def add(self, rows: Iterable[RowReport]) -> None:
        """Add the rows of one report."""
        for row in rows:
            if not row.judged:
                self.unjudged.add(row.name)
            for reported in REPORTED:
                self._add((row.type, row.name), reported, getattr(row.times, reported))

    def add_overdue(self, overdue: Overdue) -> None:
        """Add how long messages without a reply had waited, from due, when stop was asked: a lower bound.

        They are not successes, so from_sent and first_byte don't include them.
        """
        for name, pairs in overdue.rows.items():
            self._add((TYPE, name), "due", pairs)

    def by_kind(self, without: Collection[str] = ()) -> Histograms:
        """Return the times of all judged rows together, by kind; `without` the rows of these names."""
        whole: Histograms = {kind: {} for kind in KINDS}
        for (_, name), times in self.rows.items():
            if name in self.unjudged or name in without:
                continue
            for reported, counts in times.items():
                kind = kind_of(name, reported)
                if kind:
                    histogram.add(whole[kind], counts.items())
        return whole

    def apart(self) -> Histograms:
        """Return {name: times from due} of the rows that are not judged, and of the scenario's own figures."""
        names = {name for kind, name in self.rows if kind == MEASURED or name in self.unjudged}
        return {name: self.due_of(name) for name in sorted(names)}

    def due_of(self, name: str) -> dict[int, int]:
        """Return the times of one row from due; those of a connect start with it."""
        return self._of(name, "sent" if name in CONNECTS else "due")

    def sent_of(self, name: str) -> dict[int, int]:
        """Return the times of one row from sent; a figure of the scenario's own has none."""
        return self._of(name, "sent")

    def _of(self, name: str, reported: str) -> dict[int, int]:
        return histogram.merged(times[reported] for (_, own), times in self.rows.items() if own == name)

    def _add(self, key: RowKey, reported: str, pairs: Pairs) -> None:
        times = self.rows.setdefault(key, {name: {} for name in REPORTED if name != "wait"})
        if pairs:
            histogram.add(times.setdefault(reported, {}), pairs)


def kind_of(name: str, reported: str) -> str | None:
    """Return the kind of the list `reported` in the row `name`; None if no verdict uses it."""
    if name in CONNECTS:
        return "connect" if reported == "sent" else None
    return None if name in CONNECTION_ROWS else REPORTED[reported]


def slowest_reply_us(rows: Iterable[RowReport]) -> int:
    """Return the longest time from sent to a whole reply in one report, in microseconds; 0 without replies."""
    replies = (row.times.sent for row in rows if kind_of(row.name, "sent") == "from_sent")
    return max((us for pairs in replies for us, _ in pairs), default=0)
