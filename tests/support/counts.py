"""Counts of both sides for tests of the ledger: those of a run in which all went well, and what is changed in them."""

from collections.abc import Mapping
from typing import Any

from rawsocket.verdict.ledger_rows import Server


def clients(**changes: Any) -> dict[str, Any]:
    """The clients' sums: 100 connections, each with 10 messages of 21 bytes, all answered with as many bytes.

    A change is `name=value`, where `name` is a key of one of the tables; `held_now` stands for `held`.
    """
    counts: dict[str, Any] = {
        "held": changes.pop("held_now", 0),
        "sessions": {"begun": 100, "ended": 100},
        "connections": {
            **{"attempted": 100, "connected": 100, "failed": {}, "dropped": {}, "reconnects": 0, "closed": 100},
            **{"abandoned": 0, "unproven": 0},
        },
        "messages": {
            **{"due": 1000, "sent": 1000, "answered": 1000, "wrong": 0, "late": 0, "unanswered": 0},
            **{"unsent": {}, "unanswered_by": {}, "cut": 0, "pushed": 0},
        },
        "bytes": {"bytes_sent": 21_000, "bytes_received": 21_000},
        "failures": 0,
    }
    for name, value in changes.items():
        (table,) = [t for t in counts.values() if isinstance(t, dict) and name in t]
        table[name] = value
    counts["bytes"] = {"sent": counts["bytes"]["bytes_sent"], "received": counts["bytes"]["bytes_received"]}
    return counts


def unanswered(by: Mapping[str, int], **changes: Any) -> dict[str, Any]:
    """The clients' sums where so many messages had no reply, by reason; each takes its reply's 21 bytes away."""
    missed = sum(by.values())
    told = {"answered": 1000 - missed, "unanswered": missed, "unanswered_by": dict(by)}
    return clients(**{**told, "bytes_received": 21_000 - 21 * missed, **changes})


def server(**changes: Any) -> Server:
    """The server's side of the same run; a change is the name of a counter, or of a field of `Server`."""
    grown: dict[str, Any] = {
        "connections": 0,
        "accepted_total": 100,
        "refused_total": 0,
        "closed_total": {"client": 100},
        "messages_total": 1000,
        "replies_total": 1000,
        "bytes_total": {"in": 21_000, "out": 21_000},
    }
    fields = {name: changes.pop(name) for name in list(changes) if name in Server.__dataclass_fields__}
    for name in ("in", "out"):
        if (moved := changes.pop(f"bytes_{name}", None)) is not None:
            grown["bytes_total"] = {**grown["bytes_total"], name: moved}
    return Server(**{"grown": {**grown, **changes}, **fields})
