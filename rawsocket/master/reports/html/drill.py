"""Pure: a drill in the report of its run, and the page of all drills: texts only, for the templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rawsocket.master.reports.drill_table import HEAD, MISSED, Drill, rows
from rawsocket.master.reports.html.sections import Table
from rawsocket.verdict.drills.recovery import RECOVERED, UNKNOWN, UNSTEADY

#: Style and mark of an outcome: never by colour alone.
STYLES = {RECOVERED: ("pass", "✓"), UNSTEADY: ("unknown", "?"), UNKNOWN: ("unknown", "?")}
FAILED = ("fail", "✗")


@dataclass(frozen=True)
class Cell:
    """What one server did in one drill: the outcome in words, its style, its figures, why not, the folder of the run.

    `why` also says why a drill does not run on this server.
    """

    text: str
    style: str = ""
    figures: str = ""
    why: str = ""
    folder: str = ""


def table(drill: Drill) -> Table:
    """Return the section of the report."""
    lines = rows(drill)
    return Table(HEAD, lines, marked=[row[0] for row in lines if row[3] == MISSED])


def matrix(
    drills: Sequence[tuple[str, str]],
    found: Sequence[tuple[str, Drill]],
    refused: Mapping[str, Mapping[str, str]],
) -> tuple[list[tuple[str, str]], list[tuple[str, str, list[Cell]]]]:
    """Return the servers, and each drill with its name, its meaning and a cell for each server: its latest run.

    With each server comes how many drills it has recovered from as predicted. `refused`: by server and drill, why it
    does not run.
    """
    latest = {(drill["name"], drill["server"]): (folder, drill) for folder, drill in found}
    servers = list(dict.fromkeys([*(server for _, server in latest), *refused]))
    lines = []
    for name, text in drills:
        cells = [_cell(latest.get((name, server)), refused.get(server, {}).get(name, "")) for server in servers]
        lines.append((name, text, cells))
    return [(server, _recovered([cells[at] for _, _, cells in lines])) for at, server in enumerate(servers)], lines


def _recovered(column: Sequence[Cell]) -> str:
    ran = [cell for cell in column if cell.style]
    return f"{sum(cell.style == STYLES[RECOVERED][0] for cell in ran)} of {len(ran)} recovered as predicted"


def markdown(
    drills: Sequence[tuple[str, str]],
    found: Sequence[tuple[str, Drill]],
    refused: Mapping[str, Mapping[str, str]],
) -> str:
    """Return matrix() as a table of Markdown, in short; "-" where a drill has not run."""
    servers, lines = matrix(drills, found, refused)
    heads = [(name.replace("|", "\\|"), count) for name, count in servers]
    rows = [["drill", *(name for name, _ in heads)]]
    rows += [[f"`{name}`", *map(_short, cells)] for name, _, cells in lines]
    rows.append(["recovered as predicted", *(count.removesuffix(" recovered as predicted") for _, count in heads)])
    head, *others = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, f"|{'---|' * (len(heads) + 1)}", *others, ""])


def _short(cell: Cell) -> str:
    """Return a cell in a few words: its mark, and its figures without more words."""
    return f"{cell.text[0]} {cell.figures.replace('back after ', '')}".rstrip() if cell.style else "-"


def _cell(found: tuple[str, Drill] | None, refused: str) -> Cell:
    if found is None:
        return Cell("does not apply", why=refused) if refused else Cell("not run")
    folder, drill = found
    lost, back = drill["measured"].get("lost"), drill["measured"].get("recover_s")
    figures = [] if lost is None else [f"{lost:,} lost"]
    figures += [] if back is None else [f"back after {back:.1f} s"]
    style, mark = STYLES.get(drill["outcome"], FAILED)
    why = "" if drill["outcome"] == RECOVERED else "; ".join(drill.get("reasons", ())[:1])
    return Cell(f"{mark} {drill['outcome']}", style, ", ".join(figures), why, folder)
