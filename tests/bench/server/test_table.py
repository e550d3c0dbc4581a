from bench.results.line import REPORTED, UNKNOWN
from bench.server import table
from bench.server.contenders import SELECT
from bench.server.table import ROWS


def test_a_shared_experiment_runs_once() -> None:
    names = [experiment.name for experiment in table.experiments(list(ROWS))]
    assert len(names) == len(set(names))
    assert [e.name for e in table.experiments(["tutorial", "few"])] == ["10 of 900", "900 of 900"]
    assert [e.name for e in table.experiments(["all-100"])] == ["100 of 100"]


def test_names_of_experiments_are_unique() -> None:
    every = [experiment for row in ROWS.values() for experiment in row.experiments]
    assert len({experiment.name for experiment in every}) == len({id(experiment) for experiment in every})


def test_each_experiment_includes_ours() -> None:
    assert all(SELECT in experiment.contenders for row in ROWS.values() for experiment in row.experiments)


def test_lines_are_in_the_order_of_the_table() -> None:
    keys = [line.key for line in table.lines(["idle", "all-100"], [])]
    assert keys == ["all-100", "idle"]


def test_a_table_without_figures_is_unknown() -> None:
    lines = table.lines(list(ROWS), [])
    assert len({line.key for line in lines}) == len(lines)
    assert {line.outcome for line in lines} == {UNKNOWN, REPORTED}
    assert all(line.title[0].isupper() for line in lines)
    sections = table.sections(list(ROWS), [])
    assert [section.key for section in sections] == ["story", "curve", "accepts"]
    assert {section.outcome for section in sections} == {UNKNOWN}
