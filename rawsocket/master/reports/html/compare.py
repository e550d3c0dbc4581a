"""Pure: several runs side by side: a column for each run, with how much it differs from the first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rawsocket.master.reports import drill_table, levels_table
from rawsocket.master.reports.html import first_screen, words
from rawsocket.master.reports.html.documents import RunDocuments
from rawsocket.master.reports.html.sections import variable
from rawsocket.master.reports.html.words import STEADY, UNKNOWN, WHOLE

Document = Mapping[str, Any]
Named = Sequence[tuple[str, RunDocuments]]


@dataclass(frozen=True)
class Figure:
    """A row of figures: what it is called, where it is, how it is written, what it covers."""

    title: str
    value: Callable[[Document], float | None]
    text: Callable[[float | None], str]
    covers: str


@dataclass(frozen=True)
class Row:
    """A row of the comparison: a cell for each run as (value, difference from the first run or "")."""

    title: str
    covers: str
    cells: Sequence[tuple[str, str]]


def _latency(kind: str, level: str) -> Callable[[Document], float | None]:
    return lambda document: (document["latency_ms"].get(kind) or {}).get(level)


def _share(document: Document) -> float | None:
    shares = [worker["cpu_share"] for worker in document["generator"]["workers"]]
    return max((share for share in shares if share is not None), default=None)


FIGURES = (
    Figure("connections held, least", lambda document: document["held"]["steady_min"], words.count, STEADY),
    Figure("connections held, peak", lambda document: document["held"]["peak"], words.count, WHOLE),
    Figure("held, by the server's count", lambda document: document["held"]["server_steady_min"], words.count, STEADY),
    Figure("messages a second", lambda document: document["messages"]["per_s"], words.rate, STEADY),
    Figure("p50 latency from due", _latency("from_due", "p50"), words.milliseconds, STEADY),
    Figure("p99 latency from due", _latency("from_due", "p99"), words.milliseconds, STEADY),
    Figure("p99.9 latency from due", _latency("from_due", "p99_9"), words.milliseconds, STEADY),
    Figure("p99 latency from sent", _latency("from_sent", "p99"), words.milliseconds, STEADY),
    Figure("p99 of connects", _latency("connect", "p99"), words.milliseconds, WHOLE),
    Figure("failures", first_screen.failures, words.count, WHOLE),
    Figure("busiest worker, of a core", _share, words.share, STEADY),
)
#: Of the run's description, apart from its times.
LEFT_OUT = {"started_utc", "ended_utc", "steady_from_s", "steady_s", "target", "shape", "headless"}


def table(runs: Named) -> list[Row]:
    """Return the figures of the runs, of their levels and drills, then all settings that are not the same in all."""
    documents = [run.verdict for _, run in runs]
    figures = [_figures(figure, documents) for figure in FIGURES]
    return [*figures, *levels(documents), *drills(documents), *differences([_settings(run) for _, run in runs])]


def levels(documents: Sequence[Document]) -> list[Row]:
    """Return a row for each level of a load shape: how it ended, its p99 with the difference, its messages."""
    found = [{levels_table.name(level): level for level in document.get("levels", ())} for document in documents]
    return [
        Row(f"level: {name}", STEADY, [_level(one.get(name), found[0].get(name)) for one in found])
        for name in _names(found)
    ]


def _level(level: Document | None, first: Document | None) -> tuple[str, str]:
    if level is None:
        return UNKNOWN, ""
    sign = first_screen.SIGNS.get(level["verdict"], UNKNOWN)
    p99, rate = words.milliseconds(level["p99_ms"]), words.rate(level["messages_s"])
    changed = change(first["p99_ms"], level["p99_ms"]) if first else ""
    text = f"{sign} {levels_table.result(level)}, {rate} messages/s, p99 {p99}"
    return text, "" if changed in ("", "+0 %", "-0 %") else changed


def drills(documents: Sequence[Document]) -> list[Row]:
    """Return what the drills of the runs did: a row for their outcome, and one for each figure that was measured."""
    found = [document.get("drill") for document in documents]
    if not any(found):
        return []
    outcomes = [(f"{one['name']}: {one['outcome']}" if one else UNKNOWN, "") for one in found]
    measured = [one["measured"] if one else {} for one in found]
    figures = [_measured(name, [one.get(name) for one in measured]) for name in _names(measured)]
    return [Row("drill", "", outcomes), *figures]


def _names(found: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for one in found for name in one))


def _measured(name: str, values: Sequence[float | None]) -> Row:
    texts = [UNKNOWN if value is None else drill_table.shown(value, name) for value in values]
    return _row(f"drill: {drill_table.title(name)}", WHOLE, values, texts)


def _figures(figure: Figure, documents: Sequence[Document]) -> Row:
    values = [figure.value(document) for document in documents]
    return _row(figure.title, figure.covers, values, [figure.text(value) for value in values])


def _row(title: str, covers: str, values: Sequence[float | None], texts: Sequence[str]) -> Row:
    changes = [change(values[0], value) if text != texts[0] else "" for value, text in zip(values, texts, strict=True)]
    return Row(title, covers, list(zip(texts, changes, strict=True)))


def change(first: float | None, value: float | None) -> str:
    """Return the difference from the first run as a percentage, "" where there is none or it means nothing."""
    if first is None or value is None or first == value:
        return ""
    if not first:
        return f"+{words.count(value)}"
    return f"{100 * (value - first) / first:+,.0f} %"


def differences(runs: Sequence[Mapping[str, str]]) -> list[Row]:
    """Return a row for each name whose value is not the same in all runs."""
    lines = {name: [run.get(name, UNKNOWN) for run in runs] for name in _names(runs)}
    return [Row(name, "", [(value, "") for value in values]) for name, values in lines.items() if len(set(values)) > 1]


def _settings(run: RunDocuments) -> dict[str, str]:
    """Return what may make a difference: settings, the server, the versions, the machine."""
    server, environment = run.verdict.get("server") or {}, run.environment
    settings = {**run.verdict["run"], **environment.get("settings", {})}
    host, machine = environment.get("host", {}), environment.get("machine", {})
    return {
        **{variable(name): words.plain(value) for name, value in settings.items() if name not in LEFT_OUT},
        **{f"server's {name}": words.plain(value) for name, value in server.get("info", {}).items()},
        **({"server": server["name"]} if server.get("name") else {}),  # in the place of the lab's own
        "server's cap": words.plain(server.get("max_connections")),
        "server's processes": words.plain(server.get("processes")),
        **{f"{name} (version)": words.plain(value) for name, value in environment.get("versions", {}).items()},
        **{name: words.plain(machine.get(name)) for name in ("kernel", "cpus", "cpus_allowed", "descriptors")},
        **{name: words.plain(host.get(name)) for name in ("engine", "git")},
    }


def summary(document: Document) -> dict[str, str]:
    """Return a run as a line of the list of runs; a run without a verdict has only empty cells."""
    if not document:
        return dict.fromkeys(("scenario", "held", "p99", "messages", "failures", "cause"), "")
    held, _, p99, messages, failures = first_screen.tiles(document)
    return {
        "scenario": f"{document['run']['scenario']}, {document['run']['users']:,} users",
        "held": held.value,
        "p99": p99.value,
        "messages": messages.value,
        "failures": failures.value,
        "cause": first_screen.cause(document),
    }
