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
) -> tuple[list[str], list[tuple[str, str, list[Cell]]]]:
    """Return the servers, and for each drill its name, its meaning and a cell for each server: its latest run.

    `refused`: by server and drill, why it does not run.
    """
    latest = {(drill["name"], drill["server"]): (folder, drill) for folder, drill in found}
    servers = list(dict.fromkeys([*(server for _, server in latest), *refused]))
    lines = []
    for name, text in drills:
        cells = [_cell(latest.get((name, server)), refused.get(server, {}).get(name, "")) for server in servers]
        lines.append((name, text, cells))
    return servers, lines


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
