"""Workers' reports for tests of the master's side, in the form that `rawsocket.measurement.recorder` gives them."""

from collections.abc import Iterable, Mapping
from typing import Any

from rawsocket.measurement.overdue import Waiting, Waits

Rows = Mapping[str, Mapping[int, int]]
Table = Mapping[str, Any]
CONNECTS = ("connect", "reconnect")
HEALTH = {
    "lag": [],
    "lag_max_us": 0,
    "turns": 0,
    "steal_s": None,
    "throttled_s": None,
    "cpu_limit": None,
    "cpus": 2,
    "late_s": 0.0,
    "late_cpu_s": 0.0,
}


def report(
    run: int = 1,
    held: int = 0,
    connected: int | None = None,
    wall_s: float = 0.0,
    cpu_s: float = 0.0,
    answered: int = 0,
    wrong: int = 0,
    failures: dict[str, int] | None = None,
    rows: Rows | None = None,
    final: bool = False,
    *,
    due: Rows | None = None,
    first: Rows | None = None,
    connections: Table | None = None,
    messages: Table | None = None,
    sessions: Table | None = None,
    health: Table | None = None,
    bytes_: Table | None = None,
    storms: list[list[Any]] | None = None,
    arrivals: tuple[int, float, float] = (0, 0.0, 0.0),
    examples: dict[str, str] | None = None,
    waiting: Iterable[Waiting] = (),
) -> dict[str, Any]:
    """Give one report; `rows` are {name: {us: count}}, `failures` are those of a row named message.

    `rows` are times from sent; those from due and to the first byte are the same, unless `due` or `first` give
    other ones for a name. What `connections`, `messages`, `sessions`, `health` and `bytes_` give stands in place
    of what follows from the rest. `waiting` is what had no reply when stop was asked.
    """
    waits = Waits()
    waits.add(waiting, "message")
    failures, rows, due, first = failures or {}, rows or {}, due or {}, first or {}
    connected = held if connected is None else connected
    names = sorted({*rows, *due, *first, *(["message"] if failures else [])})
    return {
        "run": run,
        "seq": 1,
        "final": final,
        "held": held,
        "cpu_s": cpu_s,
        "wall_s": wall_s,
        "sessions": {"begun": connected, "ended": max(0, connected - held), **(sessions or {})},
        "connections": {**_connections(connected, held, failures), **(connections or {})},
        "messages": {**_messages(answered, wrong), **(messages or {})},
        "bytes": {"sent": answered * 20, "received": answered * 20, **(bytes_ or {})},
        "failures": sum(failures.values()),
        "examples": examples or {},
        "waiting": waits.report(),
        "arrivals": dict(zip(("count", "first_s", "last_s"), arrivals, strict=True)),
        "storms": storms or [],
        "rows": [_row(name, failures if name == "message" else {}, rows, due, first) for name in names],
        "health": {**HEALTH, **(health or {})},
    }


def _connections(connected: int, held: int, failures: dict[str, int]) -> dict[str, Any]:
    return {
        "attempted": connected,
        "connected": connected,
        "failed": {},
        "dropped": dict(failures),
        "reconnects": 0,
        "closed": max(0, connected - held - sum(failures.values())),
        "abandoned": 0,
        "unproven": 0,
    }


def _messages(answered: int, wrong: int) -> dict[str, Any]:
    return {
        "due": answered + wrong,
        "sent": answered + wrong,
        "answered": answered,
        "wrong": wrong,
        "late": 0,
        "unanswered": 0,
        "unsent": {},
        "unanswered_by": {},
        "cut": 0,
        "pushed": 0,
    }


def _row(name: str, failures: dict[str, int], rows: Rows, due: Rows, first: Rows) -> list[Any]:
    sent = rows.get(name) or {}
    count = sum(sent.values())
    others = {} if name in CONNECTS else sent
    times = {"sent": sent, "due": due.get(name, others), "first": first.get(name, others)}
    pairs = {kind: [[us, n] for us, n in histogram.items()] for kind, histogram in times.items()}
    return ["TCP", name, count + sum(failures.values()), failures, count * 20, pairs]


def once(ages: Iterable[float]) -> list[tuple[float, int]]:
    """The ages of a Waiting: each in seconds, of one message."""
    return [(age, 1) for age in ages]


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
