"""Pure: the thresholds, one table. A new threshold is one row here, and its line in the documentation.

From a row come the flag, the variable and the field in the page's form (options.py), the setting of the lab, the
comparison and its reason (verdict/judge.py), and the lines in verdict.json, junit.xml, summary.md, the report and the
console.

A threshold that can have limits for single rows of the statistics has a list as its value: `1000,login=3000`. The value
stays the text that was given, checked, because Locust's form makes the new value with the type of the old one.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from rawsocket.settings.row import Kind, Setting, number, whole

PERCENT = "_percent"  # ends the name of a limit that was given as a share
_SHARE = number(0, 100)
_NAME = re.compile(rf"(?P<name>\w+?)(?P<percent>{PERCENT})?(?:\[(?P<row>.*)\])?", re.S)


class Comparison(Enum):
    """How a figure is compared with its limit; the value is the word for it in a reason."""

    AT_LEAST = "at least"
    AT_MOST = "at most"

    def met(self, actual: float, limit: float) -> bool:
        """Return whether the figure is on the right side of its limit."""
        compare: Callable[[float, float], bool] = operator.ge if self is Comparison.AT_LEAST else operator.le
        return compare(actual, limit)


@dataclass(frozen=True)
class Part:
    """One part of a value: the limit of one row of the statistics, or of all rows together (`row` "")."""

    row: str
    percent: bool
    text: str


def parts(value: object) -> Iterator[Part]:
    """Split a value, such as 1000 or "500,push=100,login=0.1%"."""
    for part in str(value).split(","):
        row, equals, limit = part.strip().rpartition("=")
        limit = limit.strip()
        yield Part(row.strip(), limit.endswith("%"), limit.removesuffix("%").strip())
        if equals and not row.strip():
            raise ValueError("expected the name of a row before =")


def by_row(each: Kind, *, percent: bool = False) -> Kind:
    """Return the kind of a list of limits: one for all rows, or ROW=LIMIT; `percent`: each may be a share."""
    example = "login=0.1%" if percent else "login=3000"

    def parse(text: str) -> str:
        seen = set()
        for part in parts(text):
            key = part.row, part.percent
            if key in seen:
                raise ValueError(f"expected one limit {f'for {part.row}' if part.row else 'without a row'}, not two")
            seen.add(key)
            _check(part)
        return text

    def _check(part: Part) -> None:
        if part.percent and not percent:
            raise ValueError("expected a limit without %: only MAX_FAILURES can be a share")
        try:
            (_SHARE if part.percent else each).parse(part.text)
        except ValueError as error:
            share = ", or a share such as 0.1%" if percent else ""
            raise ValueError(f"{error}{share}, alone or for a row as in {example}, with commas between them") from None

    return Kind(parse, f"{each.metavar},ROW={each.metavar},...")


@dataclass(frozen=True, kw_only=True)
class Threshold(Setting):
    """A setting that is a limit for a figure.

    `figure` names a field of verdict.judge.Figures, and for the limit of a row one of RowFigures; dots lead into
    tables: "latency_ms.connect.p95". A limit that is not above `off` is not judged. `of`: what there must have been in
    the run for the figure to exist; without any, the threshold is not judged. `title` is what a person calls it (its
    name if there is none), `counted` what the figure counts, singular and plural, if it is no time.
    """

    figure: str
    comparison: Comparison
    unit: str
    off: float = 0
    of: str = ""
    title: str = ""
    counted: tuple[str, str] = ("", "")

    def limits(self, value: object) -> dict[str, float]:
        """Return {name: limit} of what is judged for a value: `max_p99_ms`, `max_p99_ms[login]`."""
        found = {}
        for part in parts(value) if value is not None else ():
            limit = float(part.text)
            if limit > self.off:
                name = f"{self.name}{PERCENT if part.percent else ''}"
                found[f"{name}[{part.row}]" if part.row else name] = int(limit) if limit.is_integer() else limit
        return found


@dataclass(frozen=True)
class Named:
    """What the name of a limit means."""

    threshold: Threshold
    percent: bool
    row: str


def named(name: str) -> Named:
    """Return the meaning of a name that Threshold.limits() gave."""
    match = _NAME.fullmatch(name)
    (threshold,) = [row for row in THRESHOLDS if match and row.name == match["name"]]
    assert match is not None
    return Named(threshold, bool(match["percent"]), match["row"] or "")


AT_LEAST, AT_MOST = Comparison.AT_LEAST, Comparison.AT_MOST
MESSAGES, REPLIES = "message", "message that needs a reply"


def _percentile(level: str, default: str | None, why: str) -> Threshold:
    name = level.replace(".", "_")
    return Threshold(f"max_{name}_ms", by_row(number(0)), default,
                     f"threshold: {level} of the latency from due in milliseconds, also by row; 0: not judged", why,
                     title=f"{level} latency from due",
                     figure=f"{name}_ms", comparison=AT_MOST, unit="ms", of=REPLIES)  # fmt: skip


#: An unset threshold is not judged, but a headless run with MIN_HELD unset expects a connection for every user.
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("min_held", whole(0), None,
              "threshold: connections held in every second of the steady window; 0: not judged",
              "unset: as many as the users that hold one",
              figure="held_min", comparison=AT_LEAST, unit="connections",
              title="connections held", counted=("connection held", "connections held")),
    Threshold("max_failures", by_row(whole(-1), percent=True), "0",
              "threshold: failures of the whole run, also as a share in percent and by row; -1: not judged",
              "a failure is a failure",
              figure="failures", comparison=AT_MOST, unit="failures", off=-1,
              title="failures", counted=("failure", "failures")),
    _percentile("p99", "1000", "a caller notices a second"),
    _percentile("p50", None, "what half of the callers notice"),
    _percentile("p95", None, "some promises are made for 95 of 100"),
    _percentile("p99.9", None, "what a caller of many messages meets daily"),
    Threshold("min_messages_s", by_row(number(0)), None,
              "threshold: messages delivered a second, also by row; 0: not judged",
              "what is enough depends on USERS and EVERY",
              figure="messages_s", comparison=AT_LEAST, unit="messages/s", of=MESSAGES,
              title="messages a second", counted=("message a second", "messages a second")),
    Threshold("max_silent_connections", whole(-1), "-1",
              "threshold: connections on which no byte ever arrived; -1: not judged",
              "a silent hold expects none",
              figure="silent_connections", comparison=AT_MOST, unit="connections", off=-1,
              title="connections without a byte",
              counted=("connection without a byte", "connections without a byte")),
)  # fmt: skip


def limits(settings: object, overrides: Mapping[str, float | None] | None = None) -> dict[str, float]:
    """Return {name: limit} of all thresholds that are judged, from Locust's parsed options.

    `overrides` replace options. An option that is missing counts as 0, or as its default if 0 is a limit.
    """
    values = {row.name: getattr(settings, row.name, 0 if row.off == 0 else row.default) for row in THRESHOLDS} | dict(
        overrides or {}
    )
    return {name: limit for row in THRESHOLDS for name, limit in row.limits(values[row.name]).items()}
