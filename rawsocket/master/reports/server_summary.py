"""Pure: the server's own counters as the page, state.json and the summary show them. `counters` are the probe's.

A server with several processes has the counts of each beside its totals. Others have no rows on processes.
"""

from collections.abc import Callable, Mapping
from typing import Any

Counters = Mapping[str, Any]
Rate = Callable[[str], float | None]


def processes(counters: Counters | None) -> list[dict[str, int]]:
    """Return {process, held} of each process that serves now, in order of their numbers."""
    held = (counters or {}).get("process_connections", {})
    return [{"process": int(number), "held": int(held[number])} for number in sorted(held, key=int)]


def state(counters: Counters | None, rate: Rate) -> dict[str, Any] | None:
    """Return the server's part of /lab/state.json, None if its counters are unknown; unknown figures are None.

    `rate` returns the growth of a count per second. `cpu_share` is of one core, `lag_ms` its longest loop iteration of
    the last second or two, `respawns` are those since the server began, `memory_bytes` is of its processes together.
    """
    if counters is None:
        return None
    lag, cpu, memory = counters.get("loop_lag_seconds"), rate("cpu_seconds"), counters.get("process_memory_bytes")
    messages, turns = rate("messages_total"), rate("loop_turns_total")
    return {
        "model": counters.get("info", {}).get("model"),
        "max_connections": counters.get("max_connections"),
        "processes": counters.get("processes"),
        "processes_wanted": counters.get("processes_wanted"),
        "respawns": counters.get("respawns_total"),
        "messages_s": None if messages is None else round(messages, 1),
        "cpu_share": None if cpu is None else round(cpu, 3),
        "lag_ms": None if lag is None else round(lag * 1000, 1),
        "turns_s": None if turns is None else round(turns, 1),
        "memory_bytes": sum(memory.values()) if memory else None,
    }


def figures(grown: Counters | None) -> list[tuple[str, str]]:
    """Return the rows on the server of a run's summary; `grown` is its part of verdict.json.

    That is a row on its processes, if it has any, or on CPU and memory of a server in the place of the lab's own.
    """
    if grown and "source" in grown:
        return [("server's CPU and memory", _used(grown))]
    accepted = (grown or {}).get("process_accepted_total")
    if not grown or not accepted:
        return []
    said = f"{len(accepted)} of {grown.get('processes_wanted', len(accepted))} serving"
    if grown.get("respawns_total"):
        lost = grown.get("closed_total", {}).get("lost", 0)
        said += f", {grown['respawns_total']} respawned ({lost} connections lost)"
    return [("server's processes", f"{said}, {_span(list(accepted.values()))} accepted each")]


def usage(found: Counters) -> list[tuple[str, str]]:
    """Return what a server in the place of the lab's own has used in a run, line by line."""
    share, limit = found["cpu_share_mean"], found["memory_limit_bytes"]
    return [
        ("server", found["name"] or "your own"),
        ("CPU time", f"{found['cpu_seconds']:.2f} s"),
        ("CPU, mean", "unknown" if share is None else _share(share)),
        ("CPU, highest second", _share(found["cpu_share_max"])),
        ("memory at the end", _megabytes(found["memory_bytes"])),
        ("memory, highest", _megabytes(found["memory_max_bytes"])),
        *([("memory, limit", _megabytes(limit))] if limit else []),
        ("restarts", str(found["restarts"])),
        ("measured by", "the containers' engine" if found["source"] == "engine" else found["source"]),
    ]


def _used(found: Counters) -> str:
    mean = found["cpu_share_mean"]
    share = "" if mean is None else f"{_share(mean)} (at most {_share(found['cpu_share_max'])}), "
    return f"{share}{_megabytes(found['memory_max_bytes'])} at most"


def _share(share: float) -> str:
    return f"{share:.0%} of a core"


def _megabytes(number: float) -> str:
    return f"{number / 1e6:,.1f} MB"


def _span(counts: list[int]) -> str:
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} to {high}"
