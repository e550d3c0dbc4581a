"""Pure: the short result of a run for a console: verdict, cause, remedy, five figures, thresholds, where the rest is.

The lab colours it, the master writes it as it is. The verdict is in the last line, in a form that scripts can look for.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rawsocket.master.reports import drill_table, failure_kinds, layout, levels_table
from rawsocket.master.reports.console import number, rate
from rawsocket.master.reports.layout import WIDTH
from rawsocket.settings import thresholds as table
from rawsocket.verdict import threshold_words, words

STYLES = {True: "pass", False: "fail", None: "unknown"}
HELD = "connections held"
RESULT_WIDTH = len(f"  {threshold_words.NOT_COUNTED}")
LEVEL_STYLES = {"passed": "pass", "failed": "fail", "unknown": "unknown"}
INTERRUPTED = "interrupted"  # the cause
SHOWN = 5  # further reasons; verdict.json has all
Document = Mapping[str, Any]


class Span(NamedTuple):
    """A part of a line; `style` is pass, fail, unknown, strong, faint, or "" for plain text."""

    text: str
    style: str = ""


Line = tuple[Span, ...]


def lines(
    document: Document, report: str = "", trouble: str = "", code: int | None = None, width: int = WIDTH
) -> list[Line]:
    """Return the result, of at most `width` columns.

    `report` is the path of the report, if there is one. `trouble` says which files could not be written: the only line
    that is not wrapped. `code` is the exit code, if it is not that of the verdict.
    """
    found = [*_headline(document, width), (), *_figures(document, width), ()]
    found += [*_levels(document), *_drill(document), *_thresholds(document, width)]
    if trouble:
        found.append((Span(trouble, "fail"),))
    if report:
        found.append((Span("Report: ", "faint"), Span(report)))
    return [*found, (Span(verdict(document, code), _style(document)),)]


def text(found: Sequence[Line]) -> str:
    """Return the lines without their styles."""
    return "\n".join("".join(span.text for span in line) for line in found)


def verdict(document: Document, code: int | None = None) -> str:
    """Return the last line."""
    return f"verdict: {document['verdict']} (exit code {document['exit_code'] if code is None else code})"


def headline(document: Document) -> tuple[str, str, list[str]]:
    """Return what decided the verdict, what to try ("" if that is unknown), and the other reasons.

    A missed threshold is no other reason: the table of thresholds has it.
    """
    cause, reasons = document.get("cause") or {}, list(document["reasons"])
    first = cause.get("text") or (_in_words(reasons.pop(0), document) if reasons else "")
    limits = [f"{check['name']}: " for check in document["thresholds"]]
    said = levels_table.line(document)  # a cause that begins with it says the same
    repeated = {first, document["shape"]["line"]} if said and first.startswith(said) else {first}
    if cause.get("name") == INTERRUPTED:
        repeated.add(f"the run was {INTERRUPTED} before its end")
    others = [one for one in reasons if not one.startswith(tuple(limits)) and not {one, words.sentence(one)} & repeated]
    return first, cause.get("remedy") or "", others


def _in_words(reason: str, document: Document) -> str:
    """Return a reason; for a threshold in words, where the document has them."""
    texts = (check.get("text") for check in document["thresholds"] if reason.startswith(f"{check['name']}: "))
    return next(filter(None, texts), reason)


def _style(document: Document) -> str:
    return str(document["verdict"])


def _headline(document: Document, width: int) -> Iterator[Line]:
    first, remedy, others = headline(document)
    word = document["verdict"].upper()
    indent = " " * (len(word) + 2)
    decided = layout.wrapped(first, indent, indent, width)
    yield Span(word, _style(document)), Span("  " + decided[0][len(indent) :], "strong")
    yield from ((Span(line, "strong"),) for line in decided[1:])
    more = len(others) - SHOWN
    notes = [*([f"Try: {remedy}"] if remedy else []), *(f"- {reason}" for reason in others[:SHOWN])]
    if more > 0:
        notes.append(f"- and {more} more: verdict.json has all")
    for note in notes:
        yield from ((Span(line),) for line in layout.wrapped(note, indent + "  ", indent, width))


def _figures(document: Document, width: int) -> Iterator[Line]:
    rows = figures(document)
    for line in layout.pairs([(f"  {name}", value) for name, value in rows], width):
        yield (Span(line, "unknown" if held_short(document) and line.startswith(f"  {HELD}  ") else ""),)


def figures(document: Document) -> list[tuple[str, str]]:
    """Return the five figures as (name, value)."""
    due = document["latency_ms"]["from_due"] or {}
    server, p99 = document["held"]["server_steady_min"], due.get("p99")
    return [
        (HELD, _held(document)),
        ("held, by the server's count", "not available" if server is None else f"{server:,}"),
        ("p99 latency from due", "-" if p99 is None else words.milliseconds(p99)),
        ("messages a second", rate(document)),
        ("failures", _failures(document)),
    ]


def wanted(document: Document) -> int:
    """Return how many connections the run was to hold."""
    found = document["held"].get("wanted")
    return int(document["run"]["users"] if found is None else found)


def held_short(document: Document) -> bool:
    """Return whether fewer connections were held than were wanted, and no threshold says whether that matters."""
    least = document["held"]["steady_min"]
    judged = any(check["name"] == "min_held" for check in document["thresholds"])
    return least is not None and least < wanted(document) and not judged and not document.get("levels")


def _held(document: Document) -> str:
    held, of = document["held"], wanted(document)
    said = f"of {of:,}{'' if of == document['run']['users'] else ' connections'}"
    if held["steady_min"] is None:
        return f"at most {held['peak']:,} {said}; no steady window"
    steady = f"{document['run']['steady_s']:.1f} s"
    if held["steady_min"] > of:  # users of a scenario of one's own may have several
        return f"{held['steady_min']:,} for {steady}, of {words.count(of, 'user')}"
    if held["steady_min"] < of:
        return f"as few as {held['steady_min']:,} {said} within {steady}"
    return f"{held['steady_min']:,} {said} for {steady}"


def _failures(document: Document) -> str:
    """Return how many there were, and what they are."""
    found, kinds = failure_kinds.total(document), failure_kinds.text(document)
    total = "not judged" if found is None else f"{found:,}"
    return f"{total} ({kinds})" if kinds else total


def _levels(document: Document) -> Iterator[Line]:
    """Yield the levels of a load shape, and which of them failed."""
    if not document.get("levels"):
        return
    found = levels_table.short(document)
    head, *rows = layout.columns([(f"  {first}", *others) for first, *others in found], (False, *[True] * 4, False))
    yield (Span(head, "faint"),)
    for row, (*_, result) in zip(rows, found[1:], strict=True):
        yield Span(row.removesuffix(result)), Span(result, LEVEL_STYLES.get(result, ""))
    yield ()


def _drill(document: Document) -> Iterator[Line]:
    """Yield what a drill predicted, and what was measured."""
    drill = document.get("drill")
    if not drill or not drill["measured"]:
        return
    rows = [row for row in drill_table.rows(drill) if row[1]]
    table_ = [("  drill", "predicted", "measured", ""), *((f"  {row[0]}", *row[1:4]) for row in rows)]
    head, *lines_ = layout.columns([row[:3] for row in table_], (False, True, True))
    yield (Span(head, "faint"),)
    for line, (*_, outcome) in zip(lines_, table_[1:], strict=True):
        yield Span(line + "  "), Span(outcome, STYLES[outcome == drill_table.MET])
    yield from ((Span(f"  {finding}"),) for finding in drill["findings"])
    yield ()


def _thresholds(document: Document, width: int) -> Iterator[Line]:
    checks = document["thresholds"]
    if not checks:
        return
    decided = document["verdict"] != "unknown"
    rows = [("  threshold", "limit", "actual"), *(_row(check) for check in checks)]
    found = layout.columns(rows, (False, True, True))
    if max(map(len, found)) > width - RESULT_WIDTH:
        found = _narrow(rows)
    yield (Span(found[0], "faint"),)
    for line, check in zip(found[1:], checks, strict=True):
        style = STYLES[check["ok"]] if decided or not check["ok"] else "faint"
        yield Span(line + "  "), Span(threshold_words.outcome(check["ok"], decided=decided), style)
    yield ()


def _narrow(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the rows with a name that is too long for its column cut."""
    space = WIDTH - RESULT_WIDTH - 4 - sum(max(len(row[at]) for row in rows) for at in (1, 2))
    cut = [(row[0] if len(row[0]) <= space else f"{row[0][: space - 3]}...", *row[1:3]) for row in rows]
    return layout.columns(cut, (False, True, True))


def _row(check: Mapping[str, Any]) -> tuple[str, str, str]:
    meant = table.named(check["name"])
    unit = str(check.get("unit", "%" if meant.percent else _unit(meant.threshold.unit)))
    limit = f"{meant.threshold.comparison.value} {_value(check['limit'], unit)}"
    return f"  {check.get('title') or check['name']}", limit, _value(check["actual"], unit, check["limit"])


def _unit(unit: str) -> str:
    """Return the unit of a threshold as the table shows it: what is counted is in its name."""
    return {"ms": "ms", "messages/s": "/s"}.get(unit, "")


def _value(value: float | None, unit: str, beside: float | None = None) -> str:
    if value is None:
        return "-"
    if unit == "ms":
        return words.milliseconds(value, beside)
    shown = f"{int(value):,}" if float(value).is_integer() else number(value)
    return shown + (unit if unit in ("%", "/s") else f" {unit}" if unit else "")
