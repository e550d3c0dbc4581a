"""Pure: the first screen of a report: the verdict, its cause, what to try, the thresholds, the tiles."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rawsocket.master.reports import failure_kinds
from rawsocket.master.reports.html import words
from rawsocket.master.reports.html.words import STEADY, UNKNOWN, WHOLE
from rawsocket.master.reports.result import held_short, wanted
from rawsocket.measurement.stats_rows import CONNECTS
from rawsocket.settings.thresholds import Named, named
from rawsocket.verdict import threshold_words
from rawsocket.verdict.words import sentence

Document = Mapping[str, Any]
#: A sign for each outcome: no colour is needed to read it.
SIGNS = {"pass": "✓", "fail": "✗", "unknown": "?", "running": "…"}
STATES = {True: "pass", False: "fail", None: "unknown"}  # of a threshold
NOT_COUNTED = "not-counted"  # of one that was met in a run that is unknown
MISSED, SHORT, LEAST = "✗ missed", "short", "least in the steady window"
UNDECIDED = "Neither passed nor failed: this run does not show how good the server is."
COUNTED = "held, by the server's count"
OF_WHOLE_RUN = ("failures", "silent_connections", "latency_ms.connect")


@dataclass(frozen=True)
class Line:
    """A threshold as a row of the table; `state` is pass, fail, unknown or NOT_COUNTED."""

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
    """A figure in large type; `state` is fail if its threshold is missed, SHORT if too few are held; `mark` says so."""

    title: str
    value: str
    note: str
    covers: str
    state: str = ""
    mark: str = ""


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
    return [reason for reason in document["reasons"] if cause(document) not in (reason, sentence(reason))]


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
    decided = document["verdict"] != "unknown"
    return [_line(check, decided) for check in document["thresholds"]]


def _line(check: Document, decided: bool) -> Line:
    meant = _meaning(check["name"])
    unit = check.get("unit", _unit(meant))
    state = STATES[check["ok"]] if decided or not check["ok"] else NOT_COUNTED
    sign = SIGNS.get(state, words.UNKNOWN)
    word = f"{meant.threshold.comparison.value} " if meant else ""
    return Line(
        name=check["name"],
        title=check.get("title") or title(check["name"]),
        limit=word + words.quantity(check["limit"], unit),
        actual=words.quantity(check["actual"], unit, check["limit"]),
        covers=_covers(meant),
        state=state,
        outcome=f"{sign} {threshold_words.outcome(check['ok'], decided=decided)}",
        text=check.get("text") or "",
    )


def title(name: str) -> str:
    """Return the name of a threshold in words, with its row if it has one."""
    return name if _meaning(name) is None else threshold_words.title(name)


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


def _marked(tile: Tile, judged: Document) -> Tile:
    return replace(tile, state="fail", mark=MISSED) if judged.get("ok") is False else tile


def _held(document: Document) -> Tile:
    held, judged = document["held"], check(document, "min_held")
    steady = held["steady_min"]
    of = words.count(wanted(document))
    note = "no steady window" if steady is None else f"peak of the run {words.count(held['peak'])}"
    if judged:
        note += f"; at least {words.count(judged['limit'])}"
    value = f"{words.count(held['peak'] if steady is None else steady)} of {of}"
    tile = Tile("connections held", value, note, "peak of the run" if steady is None else LEAST)
    if held_short(document):
        return replace(tile, state=SHORT, mark=f"! short of {of}")
    return _marked(tile, judged)


def _server(document: Document) -> Tile:
    counted, server = document["held"]["server_steady_min"], document.get("server") or {}
    cap = server.get("max_connections")
    if not server:
        return Tile(COUNTED, UNKNOWN, "its counters could not be read", STEADY)
    if "source" in server:
        memory = f"memory {server['memory_max_bytes'] / 1e6:,.0f} MB at most"
        return Tile("the server's CPU", words.share(server["cpu_share_mean"]), f"of a core; {memory}", WHOLE)
    return Tile(COUNTED, words.count(counted), f"cap {words.count(cap)}" if cap else "without a cap", LEAST)


def _latency(document: Document) -> Tile:
    judged = check(document, "max_p99_ms")
    measured = (document["latency_ms"].get("from_due") or {}).get("p99")
    limit = f"at most {words.milliseconds(judged['limit'])}" if judged else "no threshold"
    value = judged.get("actual") if judged.get("actual") is not None else measured
    shown = words.milliseconds(value, judged.get("limit"))
    return _marked(Tile("p99 latency from due", shown, limit, STEADY), judged)


def _messages(document: Document) -> Tile:
    judged, limit = check(document, "min_messages_s"), document["generator"].get("limit")
    note = f"at least {words.count(judged['limit'])}" if judged else limit or "no threshold"
    return _marked(Tile("messages a second", words.rate(document["messages"]["per_s"]), note, STEADY), judged)


def _failures(document: Document) -> Tile:
    judged = check(document, "max_failures") or check(document, "max_failures_percent")
    share = judged.get("name") == "max_failures_percent"
    found = failures(document)
    note = "no threshold"
    if judged:
        limit = words.quantity(judged["limit"], "%" if share else "")
        note = "none allowed" if not judged["limit"] else f"at most {limit}"
    kinds = failure_kinds.text(document)
    return _marked(Tile("failures", words.count(found), f"{kinds}; {note}" if kinds else note, WHOLE), judged)


def failures(document: Document) -> float:
    """Return the failures of the run; of one that an older version has written, what its counts say."""
    found = failure_kinds.total(document)
    if found is not None:
        return float(found)
    connections, messages = document["connections"], document["messages"]
    lost = sum(connections["failed"].values()) + sum(connections["dropped"].values())
    return float(lost + messages["wrong"] + messages["unanswered"])
