"""Pure: the sections of a report below its first screen, as tables: texts only, for the template."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rawsocket.master.reports import levels_table, server_summary
from rawsocket.master.reports.html import words
from rawsocket.master.reports.html.documents import FailureDocument, RowDocument
from rawsocket.master.reports.html.words import STEADY, WHOLE
from rawsocket.measurement.stats_rows import CONNECTS

Document = Mapping[str, Any]
KINDS = {"from_due": "from due", "from_sent": "from sent", "first_byte": "to first byte", "connect": "connect"}
LEVELS = {"p50": "p50", "p95": "p95", "p99": "p99", "p99_9": "p99.9", "max": "max"}
NO_COUNTERS = {"process_start_time_seconds"}
NO_SETTINGS = {"STARTED_UTC", "ENDED_UTC", "STEADY_FROM_S", "STEADY_S", "HEADLESS", "SHAPE"}
UNITS = {"time_s": "time", "every_s": "every", "size_bytes": "size"}
BARS = 60  # of the small picture of a kind of failure


@dataclass(frozen=True)
class Table:
    """A table: the first column has names, the others what belongs to them. `note` is said below it."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    covers: str = ""
    note: str = ""
    marked: Sequence[str] = ()  # names of the rows that are wrong


@dataclass(frozen=True)
class FailureLine:
    """A kind of failure: how often, where, when; `bars` are the heights (0 to 1) of the small picture over time."""

    kind: str
    count: str
    rows: str
    when: str
    bars: Sequence[float]
    example: str


def levels(document: Document) -> Table:
    """Return the levels of a load shape, each with its own figures; without any rows if the run had none."""
    failed = [levels_table.name(level) for level in document.get("levels", ()) if level["verdict"] == "fail"]
    note = "Each level is judged from 2 s after it was held until its time was over; failures are from its ramp on."
    return Table(levels_table.HEADER, levels_table.rows(document), note=note, marked=failed)


def latencies(document: Document) -> Table:
    """Return the percentiles of each kind of time."""
    measured = document["latency_ms"]
    kinds = {kind: said for kind, said in KINDS.items() if measured.get(kind)}
    rows = [(said, *(words.milliseconds(measured[kind].get(name)) for kind in kinds)) for name, said in LEVELS.items()]
    note = "Connects are those of the whole run: they are in its ramp." if "connect" in kinds else ""
    return Table(("percentile", *kinds.values()), rows if kinds else (), STEADY, note)


def by_row(rows: Iterable[RowDocument]) -> Table:
    """Return the statistics by row."""
    head = ("row", "events", "failed", *(f"{LEVELS[name]} from due" for name in ("p50", "p95", "p99", "max")))
    lines = [
        (
            row.name,
            words.count(row.requests),
            words.count(row.failures),
            *(words.milliseconds(row.due_ms.get(name)) for name in ("p50", "p95", "p99", "max")),
            words.milliseconds(row.sent_ms.get("p99")),
        )
        for row in rows
    ]
    connects = any(row.name in CONNECTS for row in rows)
    note = "A connect is due when it starts." if connects else ""
    return Table((*head, "p99 from sent"), lines, WHOLE, note, [row.name for row in rows if row.failures])


def failures(found: Iterable[FailureDocument], elapsed_s: float) -> list[FailureLine]:
    """Return the kinds of failures, the most frequent first."""
    return [
        FailureLine(
            one.kind,
            words.count(one.count),
            ", ".join(one.rows),
            _when(one.seconds),
            bars(one.seconds, elapsed_s),
            one.example,
        )
        for one in sorted(found, key=lambda one: -one.count)
    ]


def _when(seconds: Mapping[int, int]) -> str:
    times = [at for at, count in seconds.items() if count]
    if not times:
        return words.UNKNOWN
    first, last = min(times), max(times)
    return f"at {first} s" if first == last else f"{first} to {last} s"


def bars(seconds: Mapping[int, int], elapsed_s: float) -> list[float]:
    """Return the heights of BARS bars from the start of the run to `elapsed_s`, 1 for the highest; not 0 if any."""
    width = max(1.0, elapsed_s) / BARS
    heights = [0] * BARS
    for at, count in seconds.items():
        heights[min(BARS - 1, max(0, int(at / width)))] += count
    most = max(heights) or 1
    return [max(0.15, height / most) if height else 0.0 for height in heights]


def counts(document: Document) -> Table:
    """Return what became of connections and messages."""
    connections, messages = document["connections"], document["messages"]
    rows = [
        ("connections attempted", words.count(connections["attempted"])),
        ("connections made", words.count(connections["connected"])),
        ("connects a second", f"{words.count(connections['arrivals_per_s'])} of {document['run']['rate']:g} asked for"),
        ("connections failed", words.named(connections["failed"])),
        ("connections dropped", words.named(connections["dropped"])),
        ("reconnects", words.count(connections["reconnects"])),
        ("messages due", words.count(messages["due"])),
        ("messages sent", words.count(messages["sent"])),
        ("messages answered", words.count(messages["answered"])),
        ("one-way, pushed", f"{words.count(messages['oneway'])}, {words.count(messages['pushed'])}"),
        ("wrong, unanswered", f"{words.count(messages['wrong'])}, {words.count(messages['unanswered'])}"),
        ("never sent", words.named(messages["unsent"])),
        ("waiting at the stop", _waiting(messages)),
        *_storms(document.get("storms", ())),
        *_goodbyes(document.get("goodbyes", {})),
    ]
    return Table(("what", "how many"), rows, WHOLE)


def _waiting(messages: Document) -> str:
    if not messages["waiting"]:
        return "none"
    return f"{words.count(messages['waiting'])}, the oldest for {words.seconds(messages['oldest_waiting_s'])}"


def _storms(found: Iterable[Document]) -> list[tuple[str, str]]:
    return [
        (
            f"storm at {storm['time_utc'][11:19]} UTC",
            f"{storm['dropped']:,} dropped, {storm['back']:,} back"
            + ("" if storm["back_s"] is None else f", all after {words.seconds(storm['back_s'])}"),
        )
        for storm in found
    ]


def _goodbyes(found: Document) -> list[tuple[str, str]]:
    begun, said = found.get("begun", 0), found.get("said", 0)
    return [("goodbyes said, cut off", f"{said:,}, {begun - said:,}")] if begun else []


def server(document: Document) -> Table:
    """Return the server's own counters, how much they grew in this run; without any rows if it has none.

    Of a server in the place of the lab's own there are CPU and memory.
    """
    found = document.get("server") or {}
    if "source" in found:
        return Table(("figure", "in this run"), server_summary.usage(found), WHOLE)
    names = {name: value for name, value in found.items() if not isinstance(value, Mapping) and value is not None}
    groups = {name: value for name, value in found.items() if isinstance(value, Mapping) and name != "info"}
    rows = [
        *((key, words.plain(value)) for key, value in found.get("info", {}).items()),
        *((_said(name), _counter(name, value)) for name, value in names.items() if name not in NO_COUNTERS),
        *((_said(name), _group(value)) for name, value in groups.items()),
    ]
    return Table(("counter", "in this run"), rows, WHOLE)


def _said(name: str) -> str:
    return name.removesuffix("_total").replace("_", " ")


def _counter(name: str, value: Any) -> str:
    if name.endswith("_seconds") and isinstance(value, float):
        return words.milliseconds(1000 * value) if "lag" in name else f"{value:.2f} s"
    return words.count(value) if isinstance(value, int | float) else words.plain(value)


def _group(counters: Document) -> str:
    """Return counts by name, or those of the server's processes in their order, whose names are like 3 or 3/client."""
    numbers = {key: value for key, value in counters.items() if isinstance(value, int)}
    if not all(any(map(str.isdigit, key.split("/"))) for key in numbers):
        return words.named(numbers)
    by_name: dict[str, dict[int, int]] = {}
    for key, number in numbers.items():
        name, process = sorted(["", *key.split("/")][-2:], key=str.isdigit)
        by_name.setdefault(name, {})[int(process)] = number
    return (
        "; ".join(f"{name} {_each(found)}".strip() for name, found in by_name.items() if any(found.values())) or "none"
    )


def _each(found: Mapping[int, int]) -> str:
    if len(found) > 4:
        return f"{min(found.values()):,} to {max(found.values()):,} in {len(found)} processes"
    return " · ".join(f"{found[process]:,}" for process in sorted(found))


def generator(document: Document) -> Table:
    """Return the health of each worker; they are numbered as on the page and in the console."""
    head = ("worker", "state", "users", "CPU of a core", "lag p99", "lag at most", "turns a second", "CPU stolen")
    found = document["generator"]["workers"]
    rows = [
        (
            name,
            "lost" if one["lost"] else one["state"] or words.UNKNOWN,
            words.count(one["users"]),
            words.share(one["cpu_share"]),
            words.milliseconds(one["lag_p99_ms"]),
            words.milliseconds(one["lag_max_ms"]),
            words.count(None if one.get("turns_s") is None else round(one["turns_s"])),
            words.share(one.get("stolen_share")),
        )
        for name, one in workers(found)
    ]
    limit = document["generator"].get("limit")
    return Table(head, rows, STEADY, limit or "", [name for name, one in workers(found) if one["lost"]])


def workers(found: Iterable[Document]) -> list[tuple[str, Document]]:
    """Return each worker with its name: worker 1, worker 2."""
    return [(f"worker {number}", one) for number, one in enumerate(found, start=1)]


def settings(environment: Document, run: Document) -> Table:
    """Return the settings of the run, each once."""
    found = {variable(name): value for name, value in (environment.get("settings") or run).items()}
    rows = [(name, words.plain(value)) for name, value in found.items() if name not in NO_SETTINGS]
    return Table(("setting", "value"), rows)


def variable(name: str) -> str:
    """Return the name under which a setting is given: the run has some with their unit."""
    return UNITS.get(name, name).upper()


def environment(found: Document) -> Table:
    """Return versions, machine and limits of the master."""
    versions, machine = found.get("versions", {}), dict(found.get("machine", {}))
    load = machine.pop("load_average", None)
    rows = [
        *((f"{name} (version)", words.plain(value)) for name, value in versions.items()),
        *((name.replace("_", " "), words.plain(value)) for name, value in machine.items()),
    ]
    if load:
        rows.append(("load average at the end", " ".join(f"{value:.2f}" for value in load)))
    return Table(("what", "value"), rows)


def host(found: Document) -> Table:
    """Return what only the host knows: the engine, its own kernel, the state of the checkout."""
    rows = [
        (name.replace("_", " "), words.plain(value))
        for name, value in found.items()
        if name not in ("repeat",) and value not in (None, "")
    ]
    return Table(("host", "value"), rows)


def scenario_errors(document: Document) -> list[str]:
    """Return the exceptions of the scenario."""
    return [
        f"{one['count']:,} {one['type']} at {one['where']}: {one['message']}"
        for one in document.get("scenario_errors", ())
    ]
