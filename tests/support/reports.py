"""Workers' reports for tests of the master's side, in the form that `rawsocket.recorder` gives them."""

from typing import Any

Rows = dict[str, dict[int, int]]


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
) -> dict[str, Any]:
    """Give one report; `rows` are {name: {us: count}}, `failures` are those of a row named message."""
    failures, rows = failures or {}, rows or {}
    connected = held if connected is None else connected
    names = sorted({*rows, *(["message"] if failures else [])})
    return {
        "run": run,
        "seq": 1,
        "final": final,
        "held": held,
        "cpu_s": cpu_s,
        "wall_s": wall_s,
        "connections": {
            "attempted": connected,
            "connected": connected,
            "failed": {},
            "dropped": dict(failures),
            "reconnects": 0,
            "closed": 0,
        },
        "messages": {
            "due": answered + wrong,
            "sent": answered + wrong,
            "answered": answered,
            "wrong": wrong,
            "late": 0,
            "unanswered": 0,
        },
        "bytes": {"sent": answered * 20, "received": answered * 20},
        "failures": sum(failures.values()),
        "rows": [_row(name, failures if name == "message" else {}, rows.get(name, {})) for name in names],
    }


def _row(name: str, failures: dict[str, int], histogram: dict[int, int]) -> list[Any]:
    count = sum(histogram.values())
    pairs = [[us, n] for us, n in histogram.items()]
    return ["TCP", name, count + sum(failures.values()), failures, count * 20, pairs]


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
