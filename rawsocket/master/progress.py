"""Pure: what a headless run says on the console, a line each second and a table at the end."""

from collections.abc import Mapping
from typing import Any

from rawsocket.master.timeline import Sample


def line(sample: Sample, wanted: int, left_s: float, failures: int) -> str:
    """Give the progress line of one second; `failures` are those of the whole run."""
    p99 = "-" if sample.p99_ms is None else f"{sample.p99_ms:.2f} ms"
    return (
        f"held {sample.held}/{wanted}  connects {sample.connects_s:.1f}/s  messages {sample.messages_s:.1f}/s  "
        f"p99 {p99}  failures {failures}  {max(0, round(left_s))} s left"
    )


def figures(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give the figures of verdict.json as (what, how much), for the console's and the summary's table."""
    held, connections, messages = document["held"], document["connections"], document["messages"]
    return [
        ("held, lowest steady second", number(held["steady_min"])),
        ("held, peak", number(held["peak"])),
        ("held, by the server's own count", number(held["server_steady_min"])),
        ("connections attempted / connected", f"{connections['attempted']} / {connections['connected']}"),
        ("connections failed", named(connections["failed"])),
        ("connections dropped", named(connections["dropped"])),
        ("reconnects", number(connections["reconnects"])),
        ("messages sent / answered", f"{messages['sent']} / {messages['answered']}"),
        ("messages wrong / unanswered", f"{messages['wrong']} / {messages['unanswered']}"),
        ("messages/s, steady", number(messages["per_s"])),
        ("reply p50 / p95 / p99 / max", quantiles(document["latency_ms"]["from_sent"])),
        ("connect p50 / p95 / p99 / max", quantiles(document["latency_ms"]["connect"])),
        ("steady window", f"{document['run']['steady_s']:.1f} s"),
        ("workers' share of a core", shares(document["generator"]["workers"])),
    ]


def table(document: Mapping[str, Any]) -> str:
    """Give the table, the thresholds and the verdict with its reasons, as lines for the console."""
    rows = figures(document)
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {value}" for name, value in rows]
    lines += [f"{name:<{width}}  {value}" for name, value in thresholds(document)]
    lines += [verdict(document), *(f"  {reason}" for reason in document["reasons"])]
    return "\n".join(lines)


def verdict(document: Mapping[str, Any]) -> str:
    """Give the verdict as one line."""
    return f"verdict: {document['verdict']} (exit code {document['exit_code']})"


def thresholds(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give each threshold as (name, limit, figure and outcome)."""
    outcome = {True: "met", False: "missed", None: "not measured"}
    return [
        (check["name"], f"limit {check['limit']:g}, actual {number(check['actual'])}: {outcome[check['ok']]}")
        for check in document["thresholds"]
    ]


def number(value: float | None) -> str:
    """Give a number for people; '-' where it is unknown."""
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.2f}"


def named(counts: Mapping[str, int]) -> str:
    """Give {name: count} as 'n name, n name'; '0' where there is none."""
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "0"


def quantiles(values: Mapping[str, float] | None) -> str:
    """Give four quantiles in milliseconds."""
    if values is None:
        return "-"
    return " / ".join(f"{values[name]:.2f}" for name in ("p50", "p95", "p99", "max")) + " ms"


def shares(workers: list[Mapping[str, Any]]) -> str:
    """Give each worker's share of a core."""
    return ", ".join("-" if w["cpu_share"] is None else f"{w['cpu_share']:.0%}" for w in workers) or "-"
