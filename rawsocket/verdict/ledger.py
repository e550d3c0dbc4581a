"""Accounts for every message and connection on both sides. Pure: the counts of both in, rows and reasons out.

Strategy: a row compares a figure of the clients with one of the server (see ledger_rows.py). Their difference is
explained by named events, each up to its count; the rest is unexplained, and fails the run. Rules:

- The events are a closed list (EVENTS); there is no 'other', and a name that is not on it explains nothing.
- A bound says how many there were at most, not which: if several events could explain a difference, the first one in
  its row's bounds is used.
- A row whose figures can't be known is 'unknown', with the reason. Nothing is guessed.
- At the end nothing is open: the caller waits for the server to see the last connection closed before it reads the
  counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from rawsocket.measurement.report import Counts
from rawsocket.verdict.ledger_rows import (
    EVENTS,
    CountPair,
    Moment,
    ServerSide,
    WireFormat,
    count_pairs,
    explain,
    outcomes,
    summed,
)

__all__ = ["EVENTS", "Ledger", "LedgerRow", "Moment", "ServerSide", "WireFormat", "reconcile"]

OK, UNEXPLAINED, NOT_KNOWN = "ok", "unexplained", "unknown"
NO_COUNTERS = "the target has no counters of its own: this is the clients' side only"


@dataclass(frozen=True)
class LedgerRow:
    """One row: `difference` is clients less server, `unexplained` the part that no event accounts for; None: unknown.

    In a row of the clients alone (no server, no difference) `explained` has how all of them ended.
    """

    what: str
    clients: int
    server: int | None = None
    difference: int | None = None
    explained: Mapping[str, int] = field(default_factory=dict)
    unexplained: int | None = None
    status: str = NOT_KNOWN

    @property
    def reason(self) -> str:
        """The reason why it fails the run."""
        if self.difference is None:
            return f"ledger, {self.what}: {self.unexplained} of {self.clients} are unaccounted for"
        sides = f"the clients count {self.clients}, the server {self.server}"
        return f"ledger, {self.what}: {self.unexplained} unexplained ({sides})"


@dataclass(frozen=True)
class Ledger:
    """All rows; `unknown` says what is unknown, `doubts` which of that prevents a pass."""

    rows: tuple[LedgerRow, ...] = ()
    unknown: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def reconciled(self) -> bool | None:
        """Whether both sides agree; None if that is unknown."""
        states = {row.status for row in self.rows}
        if UNEXPLAINED in states:
            return False
        return True if states == {OK} else None

    @property
    def failures(self) -> tuple[str, ...]:
        """A reason for each row that fails the run."""
        return tuple(row.reason for row in self.rows if row.status == UNEXPLAINED)

    def document(self, workers: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
        """Return the part of verdict.json; `workers` are the counts of each."""
        return {
            "reconciled": self.reconciled,
            "rows": [asdict(row) for row in self.rows],
            "events": list(EVENTS),
            "unknown": list(self.unknown),
            "workers": list(workers),
        }


def reconcile(
    clients: Counts,
    server: ServerSide,
    lost: Sequence[str] = (),
    wire: WireFormat | None = None,
    drill: Mapping[str, int] = MappingProxyType({}),
) -> Ledger:
    """Compare `clients`, the summed final counts of all workers, with the server's; `lost` says what was lost.

    The numbers of a lost worker are lost, too: then every row is unknown. `drill`: what the clients of a drill add to
    the server's counts at most, by row.
    """
    unknown = list(lost)
    rows = [
        LedgerRow(what, total) if lost else _clients_row(what, total, outcome)
        for what, total, outcome in outcomes(clients)
    ]
    if server.grown is None:
        unknown.append(server.trouble or NO_COUNTERS)
    for pair in count_pairs(clients, server, wire or WireFormat(), drill):
        row, reason = _row(pair)
        if lost or server.grown is None:
            row, reason = LedgerRow(pair.what, pair.clients, pair.server), ""
        rows.append(row)
        if reason and reason not in unknown:
            unknown.append(reason)
    return Ledger(tuple(rows), tuple(unknown), (server.trouble,) if server.trouble else ())


def _clients_row(what: str, total: int, outcome: Mapping[str, int]) -> LedgerRow:
    explained = summed(outcome.items())
    left = abs(total - sum(explained.values()))
    return LedgerRow(what, total, None, None, explained, left, UNEXPLAINED if left else OK)


def _row(pair: CountPair) -> tuple[LedgerRow, str]:
    """Return the row, and why it is unknown, or ""."""
    if pair.server is None:
        return LedgerRow(pair.what, pair.clients), f"{pair.what}: the server has no counter for it"
    difference = pair.clients - pair.server
    left = difference - sum(pair.sure.values())
    bounds = pair.fewer if left > 0 else pair.more
    unknown = pair.unknown or (bounds if left and isinstance(bounds, str) else "")
    if unknown:
        return LedgerRow(pair.what, pair.clients, pair.server), unknown
    explained, left = explain(abs(left), () if isinstance(bounds, str) else bounds)
    explained = summed([*pair.sure.items(), *explained.items()])
    return LedgerRow(pair.what, pair.clients, pair.server, difference, explained, left, UNEXPLAINED if left else OK), ""
