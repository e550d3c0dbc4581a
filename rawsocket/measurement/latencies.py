"""Pure: times of a run, of its steady window or of one second, by row and by kind.

They are those of successes, and from due also those for which messages without a reply had waited at the end.

The kinds, in the words of the verdict:

- connect: from the start of the attempt to the connection, rows `connect` and `reconnect`.
- from_due: from when a message was due to its whole reply: what a caller would have felt.
- from_sent: from when it was sent to its whole reply. Equal to from_due where nothing paces.
- first_byte: from when it was sent to the first byte of its reply.
"""

from collections.abc import Iterable

from rawsocket.measurement import histogram
from rawsocket.measurement.report import Overdue, Pairs, RowReport
from rawsocket.measurement.rows import CONNECTION_ROWS, CONNECTS, TYPE

RowKey = tuple[str, str]
KINDS = ("connect", "from_sent", "from_due", "first_byte")
# The lists of a report's row: their names there, and what they mean in a row of messages.
REPORTED = {"sent": "from_sent", "due": "from_due", "first": "first_byte"}
# Histograms by kind, or in a row by the name of the reported list.
Histograms = dict[str, dict[int, int]]


class Latencies:
    """Adds up the times that the reports of all workers bring; each report holds what is new since the one before."""

    def __init__(self) -> None:
        self.rows: dict[RowKey, Histograms] = {}

    def add(self, rows: Iterable[RowReport]) -> None:
        """Add the rows of one report."""
        for row in rows:
            for reported in REPORTED:
                self._add((row.type, row.name), reported, getattr(row.times, reported))

    def add_overdue(self, overdue: Overdue) -> None:
        """Add for how long the messages without a reply had waited when stop was asked: from due, at least.

        They are no successes; from sent and to the first byte stay those of messages that were answered.
        """
        for name, pairs in overdue.rows.items():
            self._add((TYPE, name), "due", pairs)

    def by_kind(self) -> Histograms:
        """Give the times of all rows together, by kind."""
        whole: Histograms = {kind: {} for kind in KINDS}
        for (_, name), times in self.rows.items():
            for reported, counts in times.items():
                kind = kind_of(name, reported)
                if kind:
                    histogram.add(whole[kind], counts.items())
        return whole

    def _add(self, key: RowKey, reported: str, pairs: Pairs) -> None:
        times = self.rows.setdefault(key, {name: {} for name in REPORTED})
        histogram.add(times[reported], pairs)


def kind_of(name: str, reported: str) -> str | None:
    """Give the kind that a list of the row of that name belongs to; None for one that no verdict speaks of."""
    if name in CONNECTS:
        return "connect" if reported == "sent" else None
    return None if name in CONNECTION_ROWS else REPORTED[reported]


def slowest_reply_us(rows: Iterable[RowReport]) -> int:
    """Give the longest time from sent to a whole reply among the rows of one report, in microseconds; 0: none came."""
    replies = (row.times.sent for row in rows if kind_of(row.name, "sent") == "from_sent")
    return max((us for pairs in replies for us, _ in pairs), default=0)
