import dataclasses

import pytest

from rawsocket.measurement.report import ScenarioError
from rawsocket.verdict.judge import Check, Figures, RowFigures, judge, measured
from rawsocket.verdict.saturation import WorkerFigures

WORKERS = (WorkerFigures("a", cpu_share=0.3), WorkerFigures("b", cpu_share=0.4))
SATURATED = (WORKERS[0], WorkerFigures("b", cpu_share=0.91))
GOOD = Figures(
    attempted=100,
    steady_s=20.0,
    held_min=100,
    p99_ms=2.0,
    messages_s=10.0,
    workers_wanted=2,
    workers=WORKERS,
)
WANTED = {"min_held": 100, "max_failures": 0, "max_p99_ms": 1000.0, "min_messages_s": 5.0}


def figures(**changes: object) -> Figures:
    return dataclasses.replace(GOOD, **changes)  # type: ignore[arg-type]


def with_lost_worker(why: str = "it went missing") -> tuple[WorkerFigures, ...]:
    return (WORKERS[0], WorkerFigures("b", lost=why))


@pytest.mark.parametrize(
    ("most", "failures", "missing", "verdict"),
    [(0, 0, 1, "fail"), (5, 2, 3, "pass"), (5, 3, 3, "fail"), (None, 0, 99, "pass")],
)
def test_missing_replies_count_towards_max_failures(
    most: int | None, failures: int, missing: int, verdict: str
) -> None:
    wanted = {name: limit for name, limit in {**WANTED, "max_failures": most}.items() if limit is not None}
    assert judge(figures(failures=failures, missing=missing), wanted).verdict == verdict


@pytest.mark.parametrize("failures", [0, 7])
def test_an_unmeasured_threshold_is_neither_met_nor_missed(failures: int) -> None:
    judged = judge(figures(p99_ms=None, failures=failures), WANTED)
    (check,) = [check for check in judged.thresholds if check.name == "max_p99_ms"]
    assert check == Check("max_p99_ms", 1000.0, None, None)
    assert judged.exit_code == (3 if failures else 4)


def test_reason_quotes_a_wrong_reply() -> None:
    (reason,) = judge(figures(wrong=85, example="ERR message too long"), WANTED).reasons
    assert reason == "85 replies did not match the message sent; for example, ERR message too long"


@pytest.mark.parametrize(
    ("changes", "verdict", "code", "reason"),
    [
        ({}, "pass", 0, "steady for 20 s, no failures, p99 latency "),
        ({"held_min": 99}, "fail", 3, "min_held: 99 connections held; at least 100 were demanded"),
        ({"failures": 1}, "fail", 3, "max_failures: 1 failure; none were allowed"),
        ({"p99_ms": 1000.5}, "fail", 3, "max_p99_ms: the p99 latency from due was 1.0005 s; at most 1 s was allowed"),
        ({"messages_s": 4.9}, "fail", 3, "min_messages_s: 4.9 messages a second; at least 5 were demanded"),
        ({"attempted": 0}, "unknown", 4, "nothing was measured"),
        ({"steady_s": 0.0}, "unknown", 4, "no steady window"),
        ({"held_min": None}, "unknown", 4, "no steady window"),
        ({"workers": ()}, "unknown", 4, "no worker came"),
        ({"workers": WORKERS[:1]}, "unknown", 4, "only 1 of 2 workers came"),
        ({"workers": with_lost_worker()}, "unknown", 4, "worker b was lost: it went missing"),
        ({"workers": SATURATED}, "unknown", 4, "the generator was saturated on worker b (91% of a core)"),
        ({"workers": (WORKERS[0], WorkerFigures("b"))}, "unknown", 4, "worker b reported too seldom"),
        ({"p99_ms": None}, "unknown", 4, "max_p99_ms: could not be measured"),
        # A failure decides: a run without any right reply fails, although p99 is unknown.
        ({"p99_ms": None, "messages_s": 0.0, "failures": 7}, "fail", 3, "max_p99_ms: could not be measured"),
        ({"p99_ms": None, "held_min": 99}, "fail", 3, "max_p99_ms: could not be measured"),
        ({"p99_ms": None, "missing": 1}, "fail", 3, "max_p99_ms: could not be measured"),
        # Waiting messages are counted; missing replies fail the run, unless the generator may be the cause.
        ({"waiting": 5, "oldest_s": 0.9}, "pass", 0, "steady for 20 s, no failures, p99 latency "),
        ({"waiting": 437, "missing": 437, "oldest_s": 8.12}, "fail", 3, "437 messages still waited for a reply when"),
        ({"missing": 1, "oldest_s": 8.12}, "fail", 3, "1 message still waited for a reply when stop was asked, the"),
        ({"missing": 1, "oldest_s": 8.12}, "fail", 3, "the oldest for 8.1 s"),
        ({"missing": 9, "workers": SATURATED}, "unknown", 4, "the generator was saturated"),
        ({"missing": 9, "workers": with_lost_worker()}, "unknown", 4, "9 messages still waited"),
        ({"missing": 9, "interrupted": True}, "unknown", 130, "9 messages still waited"),
        # Doubt outranks a missed threshold ...
        ({"held_min": 0, "failures": 9, "workers": with_lost_worker()}, "unknown", 4, "worker b was lost"),
        # ... and a wrong reply outranks doubt.
        ({"wrong": 1, "workers": with_lost_worker()}, "fail", 3, "1 reply did not match"),
        ({"wrong": 2, "attempted": 0}, "fail", 3, "2 replies did not match"),
        ({"wrong": 1, "workers": SATURATED}, "fail", 3, "1 reply did not match"),
        ({"failures": 9, "p99_ms": 5000.0, "workers": SATURATED}, "unknown", 4, "the generator was saturated"),
        ({"interrupted": True}, "unknown", 130, "interrupted"),
        ({"interrupted": True, "workers": with_lost_worker("it quit")}, "unknown", 4, "interrupted"),
    ],
)
def test_verdict_exit_code_and_reason_of_a_run(
    changes: dict[str, object], verdict: str, code: int, reason: str
) -> None:
    judged = judge(figures(**changes), WANTED)
    assert (judged.verdict, judged.exit_code) == (verdict, code)
    assert any(reason in said for said in judged.reasons), judged.reasons


TOKEN = ScenarioError("KeyError", "mine.py:9 in session()", "'token'", 586)


@pytest.mark.parametrize(
    ("changes", "code", "others"),
    [
        ({}, 1, 0),
        ({"held_min": 9}, 1, 1),
        ({"wrong": 1}, 1, 1),
        ({"attempted": 0}, 1, 1),
        ({"interrupted": True}, 130, 1),
    ],
)
def test_exception_of_the_scenario_makes_any_run_unknown_with_exit_code_1(
    changes: dict[str, object], code: int, others: int
) -> None:
    judged = judge(figures(scenario_errors=(TOKEN,), **changes), WANTED)
    assert (judged.verdict, judged.exit_code, len(judged.reasons)) == ("unknown", code, 1 + others)
    assert judged.reasons[0].startswith("the scenario raised KeyError 586 times, first at mine.py:9")


def test_dead_task_makes_a_run_unknown_with_exit_code_1() -> None:
    judged = judge(figures(run_errors=("the master's task 'clock' died: it ended",)), WANTED)
    assert (judged.verdict, judged.exit_code) == ("unknown", 1)
    assert judged.reasons == ("the master's task 'clock' died: it ended",)


def test_shortage_of_the_generators_machine_is_a_doubt() -> None:
    judged = judge(figures(limited=7, limit_example="no source port left", held_min=9), WANTED)
    assert (judged.verdict, judged.exit_code) == ("unknown", 4)
    assert "7 times (no source port left)" in judged.reasons[0]


def test_reason_says_that_sessions_began_without_a_connect() -> None:
    [reason, *_] = judge(figures(attempted=0, sessions=23), WANTED).reasons
    assert reason == "nothing was measured: no connection was attempted, though 23 sessions began"


def test_reasons_name_each_saturated_worker() -> None:
    late = WorkerFigures("a", cpu_share=0.05, lag_p99_ms=93.0, lag_max_ms=120.0)
    reasons = judge(figures(workers=(late, SATURATED[1])), WANTED).reasons
    assert [reason.split(" (")[0] for reason in reasons] == [
        "the generator was saturated on worker a",
        "the generator was saturated on worker b",
    ]


def test_reason_of_a_pass_says_what_was_held_and_how_fast() -> None:
    assert judge(figures(wanted=100, p99_ms=1.94), WANTED).reasons == (
        "100 of 100 connections held for 20 s, no failures, p99 latency 1.94 ms",
    )


def test_run_without_messages_is_judged_by_the_rest_and_says_so() -> None:
    judged = judge(figures(silent=True, replyless=True, p99_ms=None, messages_s=0.0), WANTED)
    assert judged.verdict == "pass"
    assert [check.name for check in judged.thresholds] == ["min_held", "max_failures"]
    assert judged.reasons == (
        "steady for 20 s, no failures",
        "max_p99_ms: not judged, no message that needs a reply was due",
        "min_messages_s: not judged, no message was due",
    )


def test_one_way_messages_are_judged_by_their_rate() -> None:
    judged = judge(figures(replyless=True, p99_ms=None), WANTED)
    assert judged.verdict == "pass"
    assert [check.name for check in judged.thresholds] == ["min_held", "max_failures", "min_messages_s"]
    assert judge(figures(replyless=True, p99_ms=None, messages_s=4.0), WANTED).verdict == "fail"


def test_latency_without_messages_is_judged() -> None:
    """A push can have a latency, if the session knows when it was published."""
    judged = judge(figures(silent=True, replyless=True, p99_ms=2000.0), {"max_p99_ms": 1000})
    assert judged.verdict == "fail"


ROWS = {
    "login": RowFigures(p50_ms=20.0, p99_ms=2000.0, messages_s=3.0, failures=2, events=1000),
    "push": RowFigures(messages_s=99.0, events=4000),
}


@pytest.mark.parametrize(
    ("limit", "most", "actual", "ok"),
    [
        ("max_p99_ms[login]", 3000, 2000.0, True),
        ("max_p99_ms[login]", 1999, 2000.0, False),
        ("max_p50_ms[login]", 20, 20.0, True),
        ("min_messages_s[push]", 100, 99.0, False),
        ("max_failures[login]", 2, 2, True),
        ("max_failures[login]", 1, 2, False),
        ("max_failures_percent[login]", 0.2, 0.2, True),
        ("max_failures_percent[login]", 0.1, 0.2, False),
        ("max_failures_percent[push]", 0, 0.0, True),
        ("max_failures_percent", 0.04, 0.04, True),
        ("max_failures_percent", 0.03, 0.04, False),
        ("max_p99_ms[push]", 100, None, None),
        ("max_p95_ms[login]", 100, None, None),
        ("max_p99_ms[news]", 100, None, None),
    ],
)
def test_limit_of_a_row_is_compared_with_the_figure_of_that_row(
    limit: str, most: float, actual: float | None, ok: bool | None
) -> None:
    judged = judge(figures(rows=ROWS, failures=2, events=5000), {limit: most})
    assert judged.thresholds == (Check(limit, most, actual, ok),)
    assert judged.exit_code == (4 if "news" in limit else 0 if ok else 3)


def test_limit_of_a_row_that_does_not_exist_makes_the_run_unknown() -> None:
    limits = {"max_p99_ms[logn]": 100, "max_p99_ms": 1000}
    judged = judge(figures(rows=ROWS), limits)
    assert (judged.verdict, judged.exit_code) == ("unknown", 4)
    assert judged.reasons == (
        "max_p99_ms[logn]: could not be judged, because the run has no row logn (rows: login, push)",
    )
    # Failures that are allowed don't make it the server's fault; a missed threshold is one in any case.
    assert judge(figures(rows=ROWS, failures=2), limits).exit_code == 4
    failed = judge(figures(rows=ROWS, p99_ms=2000.0), limits)
    assert (failed.exit_code, len(failed.reasons)) == (3, 2)


def test_limit_of_a_row_without_such_a_figure_makes_the_run_unknown() -> None:
    judged = judge(figures(rows=ROWS), {"max_p99_ms[push]": 100})
    assert (judged.exit_code, judged.reasons) == (
        4,
        ("max_p99_ms[push]: could not be measured, because the row push brought no figure for it",),
    )


def test_connections_without_a_byte_are_named_and_can_have_a_limit() -> None:
    quiet = figures(silent_connections=3)
    assert judge(quiet, WANTED).verdict == "pass"
    assert judge(quiet, WANTED).reasons[-1] == "no byte ever arrived on 3 connections"
    assert judge(quiet, {"max_silent_connections": 2}).reasons == (
        "max_silent_connections: 3 connections without a byte; at most 2 were allowed",
        "no byte ever arrived on 3 connections",
    )


def test_missing_replies_count_towards_a_share_of_failures() -> None:
    for missing, verdict in ((9, "pass"), (10, "fail")):
        judged = judge(figures(missing=missing, failures=1, events=1000), {"max_failures_percent": 1})
        assert judged.verdict == verdict


def test_run_without_thresholds_passes() -> None:
    judged = judge(figures(held_min=0, failures=99, p99_ms=1e6, messages_s=0.0), {})
    assert (judged.verdict, judged.thresholds) == ("pass", ())


def test_each_threshold_has_its_limit_figure_and_outcome() -> None:
    judged = judge(figures(held_min=42), WANTED)
    assert judged.thresholds[0] == Check("min_held", 100, 42, False)
    assert judged.thresholds[1] == Check("max_failures", 0, 0, True)


def test_reasons_name_all_missed_thresholds() -> None:
    judged = judge(figures(held_min=42, failures=3), WANTED)
    assert len(judged.reasons) == 2


def test_unknown_run_still_names_missed_thresholds() -> None:
    judged = judge(figures(failures=3, workers=with_lost_worker()), WANTED)
    assert [reason.split(":")[0] for reason in judged.reasons] == ["worker b was lost", "max_failures"]


def test_percentile_can_be_a_measured_figure() -> None:
    latency = {"connect": {"p95": 7.5}, "from_due": None}
    assert measured(figures(latency_ms=latency), "latency_ms.connect.p95") == 7.5
    for unknown in ("latency_ms.from_due.p95", "latency_ms.first_byte.p95", "latency_ms.connect.p50"):
        assert measured(figures(latency_ms=latency), unknown) is None
