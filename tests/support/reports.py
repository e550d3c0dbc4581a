"""Workers' reports for tests of the master's side."""

from collections.abc import Iterable, Mapping
from typing import Any

from rawsocket.measurement.overdue import Waiting, Waits
from rawsocket.measurement.report import (
    ArrivalTimes,
    Bytes,
    Connections,
    Counts,
    Goodbyes,
    Lag,
    Messages,
    Report,
    RowReport,
    RowTimes,
    Sessions,
    StormReport,
)

Rows = Mapping[str, Mapping[int, int]]
Table = Mapping[str, Any]
CONNECTS = ("connect", "reconnect")


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
    goodbyes: Table | None = None,
    lag: Table | None = None,
    bytes_: Table | None = None,
    storms: Iterable[StormReport] = (),
    arrivals: ArrivalTimes | None = None,
    examples: dict[str, str] | None = None,
    waiting: Iterable[Waiting] = (),
    silent: int = 0,
    outstanding: tuple[int, float] = (0, 0.0),
) -> Report:
    """Return one report; `rows` are {name: {us: count}}, `failures` are those of a row named message.

    `rows` are times from sent; those from due and to the first byte are the same, unless `due` or `first` give
    other ones for a name. What `connections`, `messages`, `sessions`, `goodbyes`, `lag` and `bytes_` give
    stands in place of what follows from the rest. `waiting` is what had no reply when stop was asked; `outstanding`:
    connections with an overdue reply, and the longest wait.
    """
    waits = Waits()
    waits.add(waiting, "message")
    failures, rows, due, first = failures or {}, rows or {}, due or {}, first or {}
    connected = held if connected is None else connected
    names = sorted({*rows, *due, *first, *(["message"] if failures else [])})
    counts = Counts(
        held=held,
        sessions=Sessions(**{"begun": connected, "ended": max(0, connected - held), **(sessions or {})}),
        connections=Connections(**{**_connections(connected, held, failures), **(connections or {})}),
        messages=Messages(**{**_messages(answered, wrong), **(messages or {})}),
        bytes=Bytes(**{"sent": answered * 20, "received": answered * 20, **(bytes_ or {})}),
        failures=sum(failures.values()),
        goodbyes=Goodbyes(**(goodbyes or {})),
    )
    return Report(
        run=run,
        seq=1,
        final=final,
        cpu_s=cpu_s,
        wall_s=wall_s,
        counts=counts,
        examples=examples or {},
        overdue=waits.report(),
        arrivals=arrivals or ArrivalTimes(),
        storms=list(storms),
        rows=[_row(name, failures if name == "message" else {}, rows, due, first) for name in names],
        silent=silent,
        outstanding=outstanding[0],
        outstanding_s=outstanding[1],
        lag=Lag(**{"cpus": 2, **(lag or {})}),
    )


def _connections(connected: int, held: int, failures: dict[str, int]) -> dict[str, Any]:
    closed = max(0, connected - held - sum(failures.values()))
    return {"attempted": connected, "connected": connected, "dropped": dict(failures), "closed": closed}


def _messages(answered: int, wrong: int) -> dict[str, Any]:
    return {"due": answered + wrong, "sent": answered + wrong, "answered": answered, "wrong": wrong}


def _row(name: str, failures: dict[str, int], rows: Rows, due: Rows, first: Rows) -> RowReport:
    sent = rows.get(name) or {}
    count = sum(sent.values())
    others = {} if name in CONNECTS else sent
    times = {"sent": sent, "due": due.get(name, others), "first": first.get(name, others)}
    pairs = {kind: [[us, n] for us, n in histogram.items()] for kind, histogram in times.items()}
    return RowReport("TCP", name, count + sum(failures.values()), failures, count * 20, RowTimes(**pairs))


def once(ages: Iterable[float]) -> list[tuple[float, int]]:
    """The ages for a Waiting: one message for each age in seconds."""
    return [(age, 1) for age in ages]


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
