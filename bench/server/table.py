"""The rows in the order of the table, and the experiments, lines and sections of the chosen ones."""

from collections.abc import Sequence

from bench.results.line import Line
from bench.results.record import Record
from bench.results.section import Section
from bench.server.row import Row, ServerExperiment
from bench.server.rows import accepts, all_active, curve, few, idle, latency, memory, slow, story, tutorial

ROWS = {
    row.key: row
    for row in (
        all_active.ROW_100,
        all_active.ROW_900,
        few.ROW,
        tutorial.ROW,
        latency.ROW,
        memory.ROW,
        idle.ROW,
        slow.ROW,
        story.ROW,
        curve.ROW,
        accepts.ROW,
    )
}


def experiments(keys: Sequence[str]) -> list[ServerExperiment]:
    """Return the experiments of these rows, each once."""
    found = {experiment.name: experiment for row in _rows(keys) for experiment in row.experiments}
    return list(found.values())


def lines(keys: Sequence[str], records: Sequence[Record]) -> list[Line]:
    """Return the lines of these rows."""
    return [line for row in _rows(keys) for line in row.lines(records)]


def sections(keys: Sequence[str], records: Sequence[Record]) -> list[Section]:
    """Return the sections of these rows."""
    return [section for row in _rows(keys) for section in row.sections(records)]


def _rows(keys: Sequence[str]) -> list[Row]:
    return [row for key, row in ROWS.items() if key in keys]
