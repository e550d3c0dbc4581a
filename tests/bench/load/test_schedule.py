from bench.load import options, schedule
from bench.load.contenders import CONTENDERS, FLOOR, SESSION
from bench.load.options import ROWS
from bench.load.schedule import EXPERIMENTS, chosen, turns

CLOSED, HOLD = EXPERIMENTS[:2]
ALL = list(CONTENDERS)


def test_every_row_has_an_experiment_and_measures_ours() -> None:
    assert {row for experiment in EXPERIMENTS for row in experiment.rows} == set(ROWS)
    assert all(SESSION in experiment.contenders for experiment in EXPERIMENTS)
    assert {name for e in EXPERIMENTS for name in e.contenders} <= set(CONTENDERS)
    assert set(options.PEERS) | {SESSION, FLOOR} == set(CONTENDERS)


def test_rows_choose_experiments() -> None:
    assert [e.name for e in chosen(["lag"])] == ["hold"]
    assert [e.name for e in chosen(["stall"])] == ["stall 100", "stall 1000"]
    assert chosen(ROWS) == list(schedule.EXPERIMENTS)


def test_turns_are_interleaved_and_reversed_every_other_time() -> None:
    assert turns(HOLD, ALL, 1) == list(HOLD.contenders)
    assert turns(HOLD, ALL, 2) == list(reversed(HOLD.contenders))
    assert turns(HOLD, ["tuned", SESSION], 3) == [SESSION, "tuned"]


def test_a_paired_experiment_has_the_floor_on_both_sides_of_each() -> None:
    assert turns(CLOSED, [SESSION, "tuned", FLOOR], 1) == [FLOOR, SESSION, FLOOR, "tuned", FLOOR]
    assert turns(CLOSED, [SESSION, "tuned", FLOOR], 2) == [FLOOR, "tuned", FLOOR, SESSION, FLOOR]
