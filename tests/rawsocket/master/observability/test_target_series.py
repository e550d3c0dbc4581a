import pytest

from rawsocket.master.observability.target_series import Answer, changing, named, parse, shown, summary

TEXT = r"""# HELP queue_length Jobs.
# TYPE queue_length gauge
queue_length{name="a b}",say="\"x\""} 3 1700000000000
queue_length{name="mail"} 4
# TYPE requests counter
requests_total 17.0
# TYPE logins counter
logins 5
# TYPE took histogram
took_bucket{le="+Inf"} 2
took_count 2
odd NaN
broken
"""


def test_parse_reads_series_as_the_endpoint_writes_them() -> None:
    answer = parse(TEXT)
    assert answer.values == {
        r'queue_length{name="a b}",say="\"x\""}': 3.0,
        'queue_length{name="mail"}': 4.0,
        "requests_total": 17.0,
        "logins": 5.0,
        'took_bucket{le="+Inf"}': 2.0,
        "took_count": 2.0,
    }


@pytest.mark.parametrize("series", ["requests_total", "logins", "took_count", 'took_bucket{le="+Inf"}'])
def test_counters_grow(series: str) -> None:
    assert parse(TEXT).grows(series)
    assert not parse(TEXT).grows('queue_length{name="mail"}')


def test_names_mean_a_series_or_all_of_a_metric() -> None:
    answer = Answer({'queue{n="a"}': 1.0, 'queue{n="b"}': 2.0, "threads": 3.0})
    assert named(answer, ["threads", "queue"]) == ["threads", 'queue{n="a"}', 'queue{n="b"}']
    assert named(answer, ['queue{n="b"}', "queue"]) == ['queue{n="b"}', 'queue{n="a"}']
    assert named(answer, ["absent"]) == []
    assert len(named(Answer({f'many{{n="{n}"}}': 1.0 for n in range(20)}), ["many"])) == 8


def test_series_that_change_are_chosen_those_of_the_runtime_last() -> None:
    first = Answer({"go_goroutines": 1.0, "jobs": 1.0, "still": 1.0, "jobs_created": 1.0, 'b_bucket{le="1"}': 1.0})
    latest = Answer({"go_goroutines": 2.0, "jobs": 2.0, "still": 1.0, "jobs_created": 2.0, 'b_bucket{le="1"}': 2.0})
    assert changing(first, latest) == ["jobs", "go_goroutines"]


def test_counters_are_shown_as_their_growth_a_second() -> None:
    before, latest = Answer({"jobs_total": 10.0, "threads": 1.0}), Answer({"jobs_total": 14.0, "threads": 2.0})
    assert shown(["jobs_total", "threads", "gone"], before, latest, 2.0) == {"rate(jobs_total)": 2.0, "threads": 2.0}


@pytest.mark.parametrize("before", [Answer(), Answer({"jobs_total": 15.0})])
def test_growth_of_a_new_or_restarted_counter_is_unknown(before: Answer) -> None:
    assert shown(["jobs_total"], before, Answer({"jobs_total": 14.0}), 1.0) == {}


def test_summary_of_a_run() -> None:
    assert summary({"threads": [None, 4.0, 2.0, None], "new": [None]}) == [
        {"name": "threads", "now": 2.0, "min": 2.0, "mean": 3.0, "max": 4.0},
        {"name": "new", "now": None, "min": None, "mean": None, "max": None},
    ]
