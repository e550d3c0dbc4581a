"""Pure: the first screen of a report: the verdict, its cause, what to try, the thresholds, the tiles."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rawsocket.master.reports.html import words
from rawsocket.master.reports.html.words import STEADY, UNKNOWN, WHOLE
from rawsocket.measurement.rows import CONNECTS
from rawsocket.settings.thresholds import Named, named

Document = Mapping[str, Any]
#: A sign for each outcome: no colour is needed to read it.
SIGNS = {"pass": "✓", "fail": "✗", "unknown": "?", "running": "…"}
OUTCOMES = {True: ("pass", "✓ met"), False: ("fail", "✗ missed"), None: ("unknown", "? not measured")}
TITLES = {
    "min_held": "held connections",
    "max_failures": "failures",
    "max_p50_ms": "p50 from due",
    "max_p95_ms": "p95 from due",
    "max_p99_ms": "p99 from due",
    "max_p99_9_ms": "p99.9 from due",
    "min_messages_s": "messages a second",
    "max_silent_connections": "silent connections",
}
UNDECIDED = "Neither passed nor failed: this run does not show how good the server is."
OF_WHOLE_RUN = ("failures", "silent_connections", "latency_ms.connect")


@dataclass(frozen=True)
class Line:
    """A threshold as a row of the table; `state` is pass, fail or unknown."""

    name: str
    title: str
    limit: str
    actual: str
    covers: str
    state: str
    outcome: str
    text: str


@dataclass(frozen=True)
class Tile:
    """A figure in large type; `state` is fail if its threshold is missed."""

    title: str
    value: str
    note: str
    covers: str
    state: str = ""


def headline(document: Document) -> str:
    """Return the verdict as one word in capitals."""
    return str(document["verdict"]).upper()


def cause(document: Document) -> str:
    """Return why, in one sentence: the known cause, else the first reason."""
    known = document.get("cause") or {}
    return str(known.get("text") or next(iter(document["reasons"]), ""))


def meaning(document: Document) -> str:
    """Return what a verdict means that is neither a pass nor a fail, "" for others."""
    return UNDECIDED if document["verdict"] == "unknown" else ""


def remedy(document: Document) -> str:
    """Return what to try, "" if that is not known."""
    return str((document.get("cause") or {}).get("remedy") or "")


def other_reasons(document: Document) -> list[str]:
    """Return the reasons that the first sentence does not give."""
    return [reason for reason in document["reasons"] if reason != cause(document)]


def subtitle(document: Document) -> str:
    """Return what was run, in one line."""
    run = document["run"]
    users = f"{run['users']:,} users at {run['rate']:g}/s" if run["users"] else "no users"
    if run.get("shape"):
        users = f"load shape {run['shape']}, up to {users}"
    workers = f"{run['workers']} worker{'' if run['workers'] == 1 else 's'}"
    return f"{run['scenario']}: {users} on {workers} against {run['target']}"


def span(document: Document) -> str:
    """Return when it ran, and its steady window."""
    run = document["run"]
    window = "no steady window"
    if run.get("steady_s"):
        begin = run.get("steady_from_s")
        since = "" if begin is None else f", from {words.seconds(begin)} to {words.seconds(begin + run['steady_s'])}"
        window = f"steady window {words.seconds(run['steady_s'])}{since}"
    return f"{words.time_utc(run.get('started_utc'))} to {words.time_utc(run.get('ended_utc'))}; {window}"


def thresholds(document: Document) -> list[Line]:
    """Return the judged thresholds."""
    return [_line(check) for check in document["thresholds"]]


def _line(check: Document) -> Line:
    meant = _meaning(check["name"])
    unit = check.get("unit", _unit(meant))
    state, outcome = OUTCOMES[check["ok"]]
    word = f"{meant.threshold.comparison.value} " if meant else ""
    return Line(
        name=check["name"],
        title=check.get("title") or title(check["name"]),
        limit=word + words.quantity(check["limit"], unit),
        actual=words.quantity(check["actual"], unit),
        covers=_covers(meant),
        state=state,
        outcome=outcome,
        text=check.get("text") or "",
    )


def title(name: str) -> str:
    """Return the name of a threshold in words, with its row if it has one."""
    meant = _meaning(name)
    if meant is None:
        return name
    said = TITLES.get(meant.threshold.name, meant.threshold.name.replace("_", " "))
    return f"{said}, row {meant.row}" if meant.row else said


def _meaning(name: str) -> Named | None:
    """Return what the name of a threshold means; None if this version does not know it."""
    try:
        return named(name)
    except ValueError:
        return None


def _unit(meant: Named | None) -> str:
    if meant is None:
        return ""
    unit = "%" if meant.percent else meant.threshold.unit
    return unit if unit in ("ms", "%") else ""


def _covers(meant: Named | None) -> str:
    if meant is None:
        return ""
    whole = meant.row in CONNECTS or meant.threshold.figure.startswith(OF_WHOLE_RUN)
    return WHOLE if whole else STEADY


def tiles(document: Document) -> list[Tile]:
    """Return the five figures."""
    return [_held(document), _server(document), _latency(document), _messages(document), _failures(document)]


def check(document: Document, name: str) -> Document:
    """Return a judged threshold, an empty one if it was not judged."""
    empty: Document = {}
    return next((one for one in document["thresholds"] if one["name"] == name), empty)


def wanted(document: Document) -> float:
    """Return how many connections the run was to hold."""
    found = document["held"].get("wanted")
    return float(document["run"]["users"] if found is None else found)


def _state(one: Document) -> str:
    return "fail" if one.get("ok") is False else ""


def _held(document: Document) -> Tile:
    held, judged = document["held"], check(document, "min_held")
    steady = held["steady_min"]
    value = f"{words.count(held['peak'] if steady is None else steady)} of {words.count(wanted(document))}"
    note = "the peak" if steady is None else f"lowest second; peak {words.count(held['peak'])}"
    if judged:
        note += f"; at least {words.count(judged['limit'])}"
    return Tile("held", value, note, WHOLE if steady is None else STEADY, _state(judged))


def _server(document: Document) -> Tile:
    counted, server = document["held"]["server_steady_min"], document.get("server") or {}
    cap = server.get("max_connections")
    if not server:
        return Tile("the server's count", UNKNOWN, "its counters could not be read", STEADY)
    if "source" in server:
        memory = f"memory {server['memory_max_bytes'] / 1e6:,.0f} MB at most"
        return Tile("the server's CPU", words.share(server["cpu_share_mean"]), f"of a core; {memory}", WHOLE)
    return Tile(
        "the server's count", words.count(counted), f"cap {words.count(cap)}" if cap else "without a cap", STEADY
    )


def _latency(document: Document) -> Tile:
    judged = check(document, "max_p99_ms")
    measured = (document["latency_ms"].get("from_due") or {}).get("p99")
    limit = f"at most {words.milliseconds(judged['limit'])}" if judged else "no threshold"
    value = judged.get("actual") if judged.get("actual") is not None else measured
    return Tile("p99 from due", words.milliseconds(value), limit, STEADY, _state(judged))


def _messages(document: Document) -> Tile:
    judged, limit = check(document, "min_messages_s"), document["generator"].get("limit")
    note = f"at least {words.count(judged['limit'])}" if judged else limit or "no threshold"
    return Tile("messages a second", words.rate(document["messages"]["per_s"]), note, STEADY, _state(judged))


def _failures(document: Document) -> Tile:
    judged = check(document, "max_failures") or check(document, "max_failures_percent")
    share = judged.get("name") == "max_failures_percent"
    found = failures(document)
    note = "no threshold"
    if judged:
        limit = words.quantity(judged["limit"], "%" if share else "")
        note = "none allowed" if not judged["limit"] else f"at most {limit}"
    return Tile("failures", words.count(found), note, WHOLE, _state(judged))


def failures(document: Document) -> float:
    """Return the failures of the run; of one that an older version has written, what its counts say."""
    found = document.get("failures", check(document, "max_failures").get("actual"))
    if found is not None:
        return float(found)
    connections, messages = document["connections"], document["messages"]
    lost = sum(connections["failed"].values()) + sum(connections["dropped"].values())
    return float(lost + messages["wrong"] + messages["unanswered"])
