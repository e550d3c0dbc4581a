"""Pure: one line of a benchmark's table and how it is judged; the roster of contenders with the names shown.

In every line less is better.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.results.record import Record, problems, worst_steal

AIM, MET, MISSED, UNKNOWN, REPORTED = "aim met", "met", "missed", "unknown", ""


@dataclass(frozen=True)
class Roster:
    """The contenders shown: their `labels` by name in order, ours first, and the titles of table and picture.

    `references` are labels of bars that are not peers: the best possible, or the true value. `libraries` are those
    whose versions the report names, `notes` are true of all figures.
    """

    title: str
    picture: str
    caption: str
    labels: Mapping[str, str]
    references: frozenset[str]
    libraries: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ours(self) -> str:
        """The name of our own contender."""
        return next(iter(self.labels))


@dataclass(frozen=True)
class Line:
    """One figure. `values` are numbers by contender; `must` and `aim` are the highest that ours may reach.

    For the picture: `title` is a longer name of the figure with `caption` below it, and the picture has `bars` (label,
    number, text) or `strips` (accepts in each 100 ms, by contender).
    """

    key: str
    title: str
    figure: str
    unit: str
    values: dict[str, float | None]
    must: float | None
    aim: float | None
    outcome: str
    stolen: float | None
    shown: dict[str, str]
    notes: list[str]
    caption: str = ""
    bars: list[tuple[str, float, str]] = field(default_factory=list)
    strips: dict[str, list[int]] = field(default_factory=dict)


def judged(
    roster: Roster,
    records: Sequence[Record],
    experiment: str,
    key: str,
    figure: str,
    unit: str,
    values: dict[str, float | None],
    must: float | None,
    aim: float | None,
    *,
    title: str = "",
    also: bool = True,
    aimed: bool | None = None,
) -> Line:
    """Return the line of a figure of one experiment, judged by what ours must reach.

    `also`: the row's other conditions hold. `aimed`: its aim is reached; None: `aim` decides.
    """
    ours = values[roster.ours]
    if aimed is None:
        aimed = ours is not None and aim is not None and ours <= aim
    notes = sorted({f"{roster.ours}: {text}" for text in problems(records, experiment, roster.ours)})
    if doubtful := sum(r.doubtful for r in records if r.experiment == experiment):
        notes.append(f"in {doubtful} trials the host stole too much CPU time, even when they were repeated")
    return Line(
        key=key,
        title=title or figure,
        figure=figure,
        unit=unit,
        values=values,
        must=must,
        aim=aim,
        outcome=outcome(ours, must, also, aimed),
        stolen=worst_steal(records, experiment),
        shown={name: number(value, unit) for name, value in values.items()},
        notes=notes,
        bars=[(roster.labels[n], v, number(v, unit)) for n, v in values.items() if v is not None],
    )


def outcome(value: float | None, must: float | None, also: bool, aimed: bool) -> str:
    """Judge one figure; `also`: the row's other conditions hold, `aimed`: its aim is reached.

    It is unknown if our own figure, or one that it is judged against, is missing.
    """
    if value is None or must is None:
        return UNKNOWN
    if value > must or not also:
        return MISSED
    return AIM if aimed else MET


def number(value: float | None, unit: str) -> str:
    """Return a figure with two or three digits, or a dash."""
    if value is None:
        return "-"
    digits = 0 if abs(value) >= 100 or unit == "" else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()
