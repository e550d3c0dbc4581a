"""Counts of both sides for tests of the ledger: those of a run without failures, and changes to them; and its rows."""

from collections.abc import Mapping
from typing import Any

from rawsocket.measurement.report import Bytes, Connections, Counts, Messages, Sessions
from rawsocket.verdict.ledger import LedgerRow, reconcile
from rawsocket.verdict.ledger_rows import ServerSide, WireFormat

WIRE = WireFormat("line", 20, "echo")
TABLES = {"connections": Connections, "messages": Messages, "sessions": Sessions}
GOOD: Mapping[str, Mapping[str, Any]] = {
    "sessions": {"begun": 100, "ended": 100},
    "connections": {"attempted": 100, "connected": 100, "closed": 100},
    "messages": {"due": 1000, "sent": 1000, "answered": 1000},
    "bytes": {"sent": 21_000, "received": 21_000},
}


def clients(**changes: Any) -> Counts:
    """The clients' sums: 100 connections, each with 10 messages of 21 bytes, all answered with as many bytes.

    A change is `name=value`, where `name` is a field of one of the tables; those of bytes are `bytes_sent` and
    `bytes_received`, and `held_now` stands for `held`.
    """
    held = changes.pop("held_now", 0)
    moved = {name: changes.pop(f"bytes_{name}", count) for name, count in GOOD["bytes"].items()}
    tables = {}
    for table, kind in TABLES.items():
        names = changes.keys() & kind.__dataclass_fields__.keys()
        tables[table] = kind(**{**GOOD[table], **{name: changes.pop(name) for name in names}})
    assert not changes
    return Counts(held=held, bytes=Bytes(**moved), **tables)  # type: ignore[arg-type]


def unanswered(by: Mapping[str, int], **changes: Any) -> Counts:
    """The clients' sums with unanswered messages by reason; each lacks the 21 bytes of its reply."""
    missed = sum(by.values())
    told = {"answered": 1000 - missed, "unanswered": missed, "unanswered_by": dict(by)}
    return clients(**{**told, "bytes_received": 21_000 - 21 * missed, **changes})


def server(**changes: Any) -> ServerSide:
    """The server's side of the same run; a change is the name of a counter, or of a field of `ServerSide`."""
    grown: dict[str, Any] = {
        "connections": 0,
        "accepted_total": 100,
        "refused_total": 0,
        "closed_total": {"client": 100},
        "messages_total": 1000,
        "replies_total": 1000,
        "bytes_total": {"in": 21_000, "out": 21_000},
    }
    fields = {name: changes.pop(name) for name in list(changes) if name in ServerSide.__dataclass_fields__}
    for name in ("in", "out"):
        if (moved := changes.pop(f"bytes_{name}", None)) is not None:
            grown["bytes_total"] = {**grown["bytes_total"], name: moved}
    return ServerSide(**{"grown": {**grown, **changes}, **fields})


def row(what: str, ours: Counts, theirs: ServerSide, wire: WireFormat = WIRE) -> LedgerRow:
    """The row of the ledger with this name."""
    (found,) = [row for row in reconcile(ours, theirs, wire=wire).rows if row.what == what]
    return found


def judged(what: str, ours: Counts, theirs: ServerSide, wire: WireFormat = WIRE) -> tuple[Any, ...]:
    """The explanation of the row, its unexplained rest and its status."""
    found = row(what, ours, theirs, wire)
    return dict(found.explained), found.unexplained, found.status
