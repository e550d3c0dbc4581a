from bench.harness.line import TOLD, UNKNOWN
from bench.server import table
from bench.server.contenders import SELECT
from bench.server.table import ROWS


def test_rows_share_experiments_and_each_is_done_once() -> None:
    names = [experiment.name for experiment in table.experiments(list(ROWS))]
    assert len(names) == len(set(names))
    assert [e.name for e in table.experiments(["tutorial", "few"])] == ["10 of 900", "900 of 900"]
    assert [e.name for e in table.experiments(["all-100"])] == ["100 of 100"]


def test_two_experiments_have_no_name_in_common() -> None:
    every = [experiment for row in ROWS.values() for experiment in row.experiments]
    assert len({experiment.name for experiment in every}) == len({id(experiment) for experiment in every})


def test_ours_is_in_every_experiment() -> None:
    assert all(SELECT in experiment.contenders for row in ROWS.values() for experiment in row.experiments)


def test_lines_come_in_the_order_of_the_table_whatever_was_asked() -> None:
    keys = [line.key for line in table.lines(["idle", "all-100"], [])]
    assert keys == ["all-100", "idle"]


def test_nothing_measured_is_unknown_or_not_judged() -> None:
    lines = table.lines(list(ROWS), [])
    assert len({line.key for line in lines}) == len(lines)
    assert {line.outcome for line in lines} == {UNKNOWN, TOLD}
    assert all(line.title[0].isupper() for line in lines)
    sections = table.sections(list(ROWS), [])
    assert [section.key for section in sections] == ["story", "curve", "accepts"]
    assert {section.outcome for section in sections} == {UNKNOWN}
