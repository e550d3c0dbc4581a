from bench.load import trial_order
from bench.load.contenders import CONTENDERS, FLOOR, SESSION
from bench.load.trial_order import EXPERIMENTS, chosen, order
from bench.settings import LOAD_ROWS

CLOSED, HOLD = EXPERIMENTS[:2]
ALL = list(CONTENDERS)


def test_each_row_has_an_experiment_that_measures_ours() -> None:
    assert {row for experiment in EXPERIMENTS for row in experiment.rows} == set(LOAD_ROWS)
    assert all(SESSION in experiment.generators for experiment in EXPERIMENTS)
    assert {name for e in EXPERIMENTS for name in e.generators} <= set(CONTENDERS)


def test_chosen_rows_select_their_experiments() -> None:
    assert [e.name for e in chosen(["lag"])] == ["hold"]
    assert [e.name for e in chosen(["stall"])] == ["stall 100", "stall 1000"]
    assert chosen(LOAD_ROWS) == list(trial_order.EXPERIMENTS)


def test_trials_are_interleaved_in_alternating_order() -> None:
    assert order(HOLD, ALL, 1) == list(HOLD.generators)
    assert order(HOLD, ALL, 2) == list(reversed(HOLD.generators))
    assert order(HOLD, ["tuned", SESSION], 3) == [SESSION, "tuned"]


def test_paired_experiment_measures_the_floor_around_each_contender() -> None:
    assert order(CLOSED, [SESSION, "tuned", FLOOR], 1) == [FLOOR, SESSION, FLOOR, "tuned", FLOOR]
    assert order(CLOSED, [SESSION, "tuned", FLOOR], 2) == [FLOOR, "tuned", FLOOR, SESSION, FLOOR]
