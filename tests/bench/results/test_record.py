import pytest

from bench.results.record import Record, median, of, pair_ratios, problems, worst_steal


def _trial(contender: str, us: float | None, repetition: int = 1, stolen: float = 0.0, experiment: str = "x") -> Record:
    values = {} if us is None else {"us": us, "stolen": stolen}
    return Record(experiment, contender, repetition, values, "" if values else "it broke")


def test_medians_leave_out_trials_without_values() -> None:
    records = [_trial("a", 3.0), _trial("a", None), _trial("a", 1.0), _trial("b", 9.0), _trial("a", 8.0)]
    assert median(of(records, "x", "a"), "us") == 3.0
    assert median(of(records, "x", "c"), "us") is None
    assert median(of(records, "x", "a"), "kb") is None
    assert problems(records, "x", "a") == ["it broke"]


def test_pair_ratios_use_both_neighbours_of_the_same_repetition() -> None:
    records = [
        *(_trial("floor", 2.0), _trial("a", 3.0), _trial("floor", 1.5), _trial("b", 6.0), _trial("floor", 3.0)),
        *(_trial("floor", 1.0, 2), _trial("a", 2.0, 2), _trial("floor", None, 2)),
    ]
    assert sorted(pair_ratios(records, "x", "a", "floor", "us")) == [1.5, 2.0, 2.0]
    assert sorted(pair_ratios(records, "x", "b", "floor", "us")) == [2.0, 4.0]
    assert pair_ratios(records, "y", "a", "floor", "us") == []


def test_a_trial_of_another_experiment_does_not_separate_neighbours() -> None:
    records = [_trial("floor", 2.0), _trial("z", 1.0, experiment="y"), _trial("a", 3.0)]
    assert pair_ratios(records, "x", "a", "floor", "us") == [1.5]


@pytest.mark.parametrize(("stolen", "doubtful"), [(0.0, False), (0.02, False), (0.021, True)])
def test_more_than_two_percent_stolen_is_doubtful(stolen: float, doubtful: bool) -> None:
    assert _trial("a", 1.0, stolen=stolen).doubtful is doubtful


def test_worst_steal_ignores_trials_without_values() -> None:
    records = [_trial("a", 1.0, stolen=0.01), _trial("b", 1.0, stolen=0.3), _trial("a", None)]
    assert worst_steal(records, "x") == 0.3
    assert worst_steal(records, "y") is None


def test_a_trial_of_less_than_a_tick_of_cpu_time_gives_no_ratio() -> None:
    records = [_trial("floor", 0.0), _trial("a", 3.0), _trial("floor", 2.0)]
    assert pair_ratios(records, "x", "a", "floor", "us") == [1.5]
