"""Pure: the figures of a run in words: the long table of the console, and cells of summary and report."""

from collections.abc import Mapping
from typing import Any

from rawsocket.master.reports import layout, ledger_table, server_summary

KINDS = {"from_due": "from due", "from_sent": "from sent", "first_byte": "to first byte", "connect": "connect"}
LEVELS = {"p50": "p50", "p95": "p95", "p99": "p99", "p99_9": "p99.9", "max": "max"}


def figures(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the figures of verdict.json as (name, value), for the table of the console and of the summary."""
    held, connections, messages = document["held"], document["connections"], document["messages"]
    return [
        ("connections held, least in the steady window", number(held["steady_min"])),
        ("connections held, peak of the run", number(held["peak"])),
        ("connections held, by the server's count", number(held["server_steady_min"])),
        ("connections attempted / connected", f"{connections['attempted']} / {connections['connected']}"),
        ("connects/s, achieved / asked for", f"{number(connections['arrivals_per_s'])} / {document['run']['rate']:g}"),
        *storms(document["storms"]),
        ("connections failed", named(connections["failed"])),
        ("connections dropped", named(connections["dropped"])),
        ("reconnects", number(connections["reconnects"])),
        *(("exceptions of the scenario", scenario_error(one)) for one in document.get("scenario_errors", ())),
        ("messages sent / answered", f"{messages['sent']} / {messages['answered']}"),
        ("messages one-way / pushed", f"{messages['oneway']} / {messages['pushed']}"),
        *unread_pushes(messages["unread_pushes"]),
        ("messages wrong / unanswered", f"{messages['wrong']} / {messages['unanswered']}"),
        ("still waiting when stop was asked", waiting(messages)),
        ("messages/s, steady", rate(document)),
        *goodbyes(document["goodbyes"]),
        *server_summary.figures(document["server"]),
        ("steady window", f"{document['run']['steady_s']:.1f} s"),
        ("workers' share of a core", shares(document["generator"]["workers"])),
        ("workers' lag, p99 / worst", lags(document["generator"]["workers"])),
    ]


def rate(document: Mapping[str, Any]) -> str:
    """Return the messages a second, and if the generator was their limit."""
    limit = document["generator"]["limit"]
    return number(document["messages"]["per_s"]) + (f" ({limit})" if limit else "")


def waiting(messages: Mapping[str, Any]) -> str:
    """Return how many messages had no reply when stop was asked, and for how long the oldest had waited."""
    count = messages["waiting"]
    return f"{count}, the oldest for {messages['oldest_waiting_s']:.3f} s" if count else "0"


def unread_pushes(count: int) -> list[tuple[str, str]]:
    """Return a row for the pushes that were not kept, if there are any."""
    return [("pushes not kept, too many unread", str(count))] if count else []


def goodbyes(found: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return a row for the goodbyes, if there are any."""
    begun, said = found["begun"], found["said"]
    return [("goodbyes said / cut off", f"{said} / {begun - said}")] if begun else []


def storms(found: list[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return a row for each storm."""
    return [
        (
            f"storm at {storm['time_utc'][11:19]} UTC: dropped / back",
            f"{storm['dropped']} / {storm['back']}"
            + (", never all" if storm["back_s"] is None else f", all held again after {storm['back_s']:.3f} s"),
        )
        for storm in found
    ]


def latencies(measured: Mapping[str, Mapping[str, float] | None]) -> list[tuple[str, ...]]:
    """Return verdict.json's latency_ms with the kinds in columns: a header, then a row for each percentile."""
    columns = [measured[kind] or {} for kind in KINDS]
    rows = [(said, *(milliseconds(column.get(name)) for column in columns)) for name, said in LEVELS.items()]
    return [("latency, ms", *KINDS.values()), *rows]


def table(document: Mapping[str, Any]) -> str:
    """Return all figures, the latencies and the ledger, as lines for the console."""
    lines = [*layout.pairs(figures(document)), ""]
    lines += [*layout.columns(latencies(document["latency_ms"]), (False, True, True, True, True)), ""]
    return "\n".join([*lines, *ledger_table.console(document["ledger"], document["reasons"])])


def scenario_error(error: Mapping[str, Any]) -> str:
    """Return an entry of verdict.json's scenario_errors as text."""
    return f"{error['count']} {error['type']} at {error['where']}: {error['message']}"


def number(value: float | None) -> str:
    """Return a number as text; '-' if it is unknown."""
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.2f}"


def named(counts: Mapping[str, int]) -> str:
    """Return {name: count} as 'n name, n name'; '0' if there is none."""
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "0"


def milliseconds(value: float | None) -> str:
    """Return a time in milliseconds as text, to the microsecond below 10 ms; '-' if it is unknown."""
    if value is None:
        return "-"
    return f"{value:.{3 if value < 10 else 2 if value < 100 else 1 if value < 1000 else 0}f}"


def shares(workers: list[Mapping[str, Any]]) -> str:
    """Return each worker's share of a core."""
    return ", ".join("-" if w["cpu_share"] is None else f"{w['cpu_share']:.0%}" for w in workers) or "-"


def lags(workers: list[Mapping[str, Any]]) -> str:
    """Return how late each worker's hub was in the steady window, in milliseconds."""
    known = ((w["lag_p99_ms"], w["lag_max_ms"]) for w in workers)
    return ", ".join("-" if p99 is None else f"{p99:.1f} / {worst:.0f} ms" for p99, worst in known) or "-"
