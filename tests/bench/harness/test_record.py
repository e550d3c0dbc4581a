import pytest

from bench.harness.record import Record, median, of, pair_ratios, problems, worst_steal


def _turn(contender: str, us: float | None, repetition: int = 1, stolen: float = 0.0, experiment: str = "x") -> Record:
    values = {} if us is None else {"us": us, "stolen": stolen}
    return Record(experiment, contender, repetition, values, "" if values else "it broke")


def test_medians_leave_out_turns_without_values() -> None:
    records = [_turn("a", 3.0), _turn("a", None), _turn("a", 1.0), _turn("b", 9.0), _turn("a", 8.0)]
    assert median(of(records, "x", "a"), "us") == 3.0
    assert median(of(records, "x", "c"), "us") is None
    assert median(of(records, "x", "a"), "kb") is None
    assert problems(records, "x", "a") == ["it broke"]


def test_pairs_are_with_both_neighbours_of_the_same_repetition() -> None:
    records = [
        *(_turn("floor", 2.0), _turn("a", 3.0), _turn("floor", 1.5), _turn("b", 6.0), _turn("floor", 3.0)),
        *(_turn("floor", 1.0, 2), _turn("a", 2.0, 2), _turn("floor", None, 2)),
    ]
    assert sorted(pair_ratios(records, "x", "a", "floor", "us")) == [1.5, 2.0, 2.0]
    assert sorted(pair_ratios(records, "x", "b", "floor", "us")) == [2.0, 4.0]
    assert pair_ratios(records, "y", "a", "floor", "us") == []


def test_a_turn_of_another_experiment_in_between_does_not_part_neighbours() -> None:
    records = [_turn("floor", 2.0), _turn("z", 1.0, experiment="y"), _turn("a", 3.0)]
    assert pair_ratios(records, "x", "a", "floor", "us") == [1.5]


@pytest.mark.parametrize(("stolen", "doubtful"), [(0.0, False), (0.02, False), (0.021, True)])
def test_more_than_two_percent_stolen_is_doubtful(stolen: float, doubtful: bool) -> None:
    assert _turn("a", 1.0, stolen=stolen).doubtful is doubtful


def test_the_worst_steal_is_of_turns_that_count() -> None:
    records = [_turn("a", 1.0, stolen=0.01), _turn("b", 1.0, stolen=0.3), _turn("a", None)]
    assert worst_steal(records, "x") == 0.3
    assert worst_steal(records, "y") is None
