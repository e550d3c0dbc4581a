import dataclasses
from pathlib import Path
from typing import Any

import pytest

from rawsocket.master import figures
from rawsocket.master.reports import console
from rawsocket.master.run import Run, RunInfo
from rawsocket.master.server_counts import ServerCounts
from rawsocket.measurement.overdue import Waiting
from rawsocket.worker.lag import LagMeter
from tests.rawsocket.master.test_timeline import SAMPLE
from tests.support.reports import once, report
from tests.support.runs import open_window, started

KEYS = {
    "run": "scenario users rate time_s workers target every_s size_bytes framing app max_lag_ms started_utc ended_utc "
    "shape steady_from_s steady_s",
    "held": "wanted steady_min peak server_steady_min",
    "connections": "attempted connected failed dropped reconnects abandoned silent arrivals_per_s",
    "messages": "due sent answered oneway wrong late unanswered unsent pushed unread_pushes "
    "per_s waiting missing oldest_waiting_s",
    "latency_ms": "connect from_sent from_due first_byte",
    "generator": "workers limit",
}
WORKER = "lag_p99_ms lag_max_ms turns_s stolen_share throttled_share late_cpu_share cpu_limit cpus"


@pytest.fixture
def run() -> Run:
    """A run with its steady window still open."""
    run = started("a", info=RunInfo(workers=1, every_s=1.0, steady_s=3.0), thresholds={"min_held": 10})
    run.receive("a", report(held=10, rows={"connect": {900: 10}, "message": {50_000: 1}}))
    open_window(run)
    for second in range(1, 4):
        rows = {"message": {400: 99, 2000: 1}}
        run.receive("a", report(held=10, wall_s=second, cpu_s=second / 10, answered=second * 7, rows=rows))
        run.add_sample(SAMPLE)
    return run


def test_figures_are_of_the_steady_window(run: Run) -> None:
    measured = figures.figures(run)
    assert measured.p99_ms == 0.4  # neither the ramp's 50 ms, nor an average
    assert measured.messages_s == pytest.approx(7)
    assert measured.held_min == 10
    assert measured.workers[0].cpu_share == pytest.approx(0.1)
    assert measured.latency_ms["connect"] is not None
    assert figures.document(run)["verdict"] == "pass"


def test_document_has_the_documented_keys(run: Run) -> None:
    document = figures.document(run)
    promised = (
        "schema verdict exit_code cause reasons run held failures connections messages "
        "latency_ms generator server thresholds"
    )
    further = ("failure_kinds", "events", "silences", "storms", "goodbyes", "ledger", "scenario_errors")
    assert list(document) == [*promised.split(), *further]
    for key, names in KEYS.items():
        assert list(document[key]) == names.split(), key
    assert list(document["generator"]["workers"][0])[:6] == ["id", "state", "users", "held", "cpu_share", "lost"]
    assert set(document["generator"]["workers"][0]) >= set(WORKER.split())
    said = {"title": "connections held", "unit": "", "text": "10 connections held; at least 10 were demanded"}
    assert document["thresholds"] == [{"name": "min_held", "limit": 10, "actual": 10, "ok": True, **said}]
    assert (document["cause"], document["events"]) == (None, [])
    assert document["latency_ms"]["connect"]["p50"] == 0.9
    assert list(document["latency_ms"]["from_sent"]) == ["p50", "p95", "p99", "p99_9", "max"]
    assert (document["schema"], document["server"]) == (1, None)
    assert list(document["ledger"]) == ["reconciled", "rows", "events", "unknown", "workers"]


def test_document_has_goodbyes_and_unread_pushes() -> None:
    run = Run(RunInfo(workers=1), started_at=0.0, workers=["a"])
    run.receive("a", report(held=3, messages={"pushed": 150, "unread_pushes": 50}, goodbyes={"begun": 3, "said": 2}))
    document = figures.document(run)
    assert document["messages"]["unread_pushes"] == 50
    assert document["goodbyes"] == {"begun": 3, "said": 2}
    assert document["ledger"]["workers"][0]["goodbyes"] == {"begun": 3, "said": 2}


def test_rate_counts_messages_that_were_answered_or_are_one_way() -> None:
    run = started("a", info=RunInfo(workers=1))
    for second in range(3):
        sent = {"sent": second * 12, "oneway": second * 5, "pushed": second * 100}
        run.receive("a", report(wall_s=second, answered=second * 7, messages=sent))
        if second == 0:
            open_window(run)
            run.receive("a", report())
    document = figures.document(run)
    assert document["messages"]["per_s"] == pytest.approx(12)
    assert [document["messages"][name] for name in ("answered", "oneway", "pushed")] == [14, 10, 200]


def test_rows_have_figures_of_their_own(run: Run) -> None:
    rows = {"login": {2_000_000: 5}, "message": {300: 20}}
    run.receive("a", report(wall_s=4.0, failures={"closed": 3}, rows=rows))
    measured = figures.figures(run).rows
    assert sorted(measured) == ["connect", "login", "message"]
    assert (measured["login"].p50_ms, measured["login"].p99_9_ms) == (2000.895, 2000.895)
    assert (measured["message"].failures, measured["message"].events) == (3, 23)
    assert measured["connect"].p99_ms == 0.9  # of the ramp
    assert measured["login"].messages_s == pytest.approx(5 / 4)


def test_row_with_a_limit_of_its_own_is_not_in_the_limit_of_the_others(run: Run) -> None:
    run.receive("a", report(wall_s=4.0, rows={"login": {2_000_000: 100}}))
    run.thresholds = {"max_p99_ms": 1000, "max_p99_ms[login]": 3000, "max_p95_ms": 1000}
    checks = {check["name"]: check for check in figures.document(run)["thresholds"]}
    assert (checks["max_p99_ms"]["actual"], checks["max_p99_ms"]["ok"]) == (0.4, True)
    assert (checks["max_p99_ms[login]"]["actual"], checks["max_p99_ms[login]"]["ok"]) == (2000.895, True)
    assert checks["max_p95_ms"]["ok"] is False


def test_row_that_is_not_judged_is_in_no_pooled_latency_unless_a_limit_names_it(run: Run) -> None:
    slow = report(held=10, wall_s=4.0, answered=28, rows={"login": {2_000_000: 500}})
    run.receive("a", dataclasses.replace(slow, rows=[dataclasses.replace(slow.rows[0], judged=False)]))
    run.thresholds = {"max_p99_ms": 1000}
    document = figures.document(run)
    assert (document["verdict"], document["latency_ms"]["from_due"]["max"]) == ("pass", 2.0)
    assert run.rows()["TCP", "login"].requests == 500
    run.thresholds = {"max_p99_ms": 1000, "max_p99_ms[login]": 1000}
    assert figures.document(run)["verdict"] == "fail"


def test_failures_are_a_share_of_all_events_until_stop(run: Run) -> None:
    run.receive("a", report(wall_s=4.0, failures={"closed": 5}, rows={"message": {300: 95}}))
    run.stopping(5.0)
    run.receive("a", report(wall_s=5.0, failures={"closed": 50}, rows={"message": {300: 95}}, final=True))
    measured = figures.figures(run)
    assert (measured.failures, measured.events) == (5, 100)
    assert (measured.rows["message"].failures, measured.rows["message"].events) == (5, 100)


@pytest.mark.parametrize(
    ("messages", "silent", "replyless"),
    [
        ({}, True, True),
        ({"due": 9, "sent": 9, "oneway": 8, "unanswered": 1, "unanswered_by": {"client": 1}}, False, True),
        ({"due": 9, "unsent": {"stopped": 9}}, False, True),
        ({"due": 9, "unsent": {"refused": 9}}, False, False),
        ({"due": 9, "sent": 9, "unanswered": 9, "unanswered_by": {"reply-timeout": 9}}, False, False),
        ({"due": 9, "sent": 9, "answered": 9}, False, False),
    ],
)
def test_run_is_silent_by_what_was_due_and_never_by_a_setting(
    messages: dict[str, Any], silent: bool, replyless: bool
) -> None:
    for every_s in (0.0, 1.0):
        run = started("a", info=RunInfo(workers=1, every_s=every_s))
        run.receive("a", report(messages=messages))
        measured = figures.figures(run)
        assert (measured.silent, measured.replyless) == (silent, replyless)


def _looped(rate: int, due: bool = False) -> Run:
    """A run with 10 connections on one worker, in which `rate` messages a second took 8 ms each."""
    run = started("a", info=RunInfo(workers=1, steady_s=3.0))
    for second in range(4):
        rows, lag = {"message": {8000: rate}}, {"turns": second * 150}
        more = {"due": {"message": {8100: rate}}} if due else {}
        run.receive("a", report(held=10, wall_s=second, cpu_s=second * 0.4, answered=second * rate, rows=rows, lag=lag,
                                **more))  # fmt: skip
        if second == 0:
            open_window(run)
            run.receive("a", report(held=10, lag=lag))
        else:
            run.add_sample(dataclasses.replace(SAMPLE, held=10))
    return run


@pytest.mark.parametrize(
    ("rate", "due", "server", "said"),
    [
        (1000, False, {}, "replies on 67% of a worker's connections were there before it looked"),
        (700, False, {}, ""),
        (700, False, {"cpu_seconds": 0.9, "messages_total": 2100}, "a worker used 40% of a core, a process of the"),
        (700, False, {"cpu_seconds": 1.5, "messages_total": 2100}, ""),
        (700, False, {"cpu_seconds": 1.5, "messages_total": 2100, "processes": 2}, "a process of the server 25%"),
        (500, False, {}, ""),  # connections wait for replies for 0.4 of the time
        (1000, True, {}, ""),  # messages have a pace
    ],
)
def test_limit_of_a_closed_loop(
    rate: int, due: bool, server: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ServerCounts, "grown", property(lambda _: server or None))
    document = figures.document(_looped(rate, due))
    limit = document["generator"]["limit"] or ""
    assert bool(limit) == bool(said), limit
    assert said in limit
    assert dict(console.figures(document))["messages/s, steady"].endswith(f"({limit})" if limit else f"{rate}.00")


def test_unrequested_reply_is_wrong(run: Run) -> None:
    run.receive("a", report(wall_s=5.0, failures={"wrong": 2}))
    assert figures.figures(run).wrong == 2
    assert figures.document(run)["exit_code"] == 3


def test_latency_threshold_applies_to_the_time_from_due(run: Run) -> None:
    rows, due, first = {"message": {300: 900}}, {"message": {2_000_000: 900}}, {"message": {150: 900}}
    run.receive("a", report(wall_s=4.0, rows=rows, due=due, first=first))
    run.thresholds = {"max_p99_ms": 1000.0}
    document = figures.document(run)
    (check,) = document["thresholds"]
    assert check["ok"] is False
    assert check["actual"] == document["latency_ms"]["from_due"]["p99"] == 2000.895
    assert [document["latency_ms"][kind]["p50"] for kind in ("from_sent", "first_byte")] == [0.3, 0.15]


def _stopped(run: Run, *waiting: Waiting) -> dict[str, Any]:
    """Judge the run after a worker's last report, with the default thresholds except min_held."""
    run.thresholds = {"max_failures": 0, "max_p99_ms": 1000.0}
    run.stopping(5.0)
    run.receive("a", report(held=10, wall_s=4.0, answered=21, waiting=waiting), at_stop=True)
    return figures.document(run)


def test_freeze_at_the_end_fails_by_p99_and_by_missing_replies(run: Run) -> None:
    """300 messages were answered within 2 ms; 50 are in flight for 8 s, with 7 slots each behind them."""
    frozen = [Waiting("message", 8.0, once([8.0 - number for number in range(8)]))] * 50
    document = _stopped(run, *frozen)
    assert (document["verdict"], document["exit_code"]) == ("fail", 3)
    messages = document["messages"]
    assert (messages["waiting"], messages["missing"], messages["oldest_waiting_s"]) == (400, 400, 8.0)
    assert document["latency_ms"]["from_due"]["p99"] == pytest.approx(8000, rel=0.001)
    assert document["latency_ms"]["from_sent"]["max"] == 2.0
    assert [reason.split(" ")[0] for reason in document["reasons"]] == ["max_failures:", "max_p99_ms:", "400"]


def test_freeze_too_short_for_p99_fails_by_missing_replies(run: Run) -> None:
    document = _stopped(run, Waiting("message", 1.5, once([1.5])))
    assert document["thresholds"][1]["ok"] is True
    assert (document["exit_code"], document["messages"]["missing"]) == (3, 1)


def test_messages_of_unserved_connections_are_missing(run: Run) -> None:
    """8 of 20 are served within milliseconds; 12 are in the backlog with a message each, and slots behind it."""
    document = _stopped(run, *[Waiting("message", 9.5, once([9.5, 9.0, 8.0]))] * 12)
    assert (document["exit_code"], document["messages"]["missing"]) == (3, 36)


@pytest.mark.parametrize(
    ("slowest_us", "owed", "missing"),
    [(2000, 0.9, 0), (2000, 1.1, 1), (3_000_000, 2.9, 0), (3_000_000, 3.1, 1)],
)
def test_reply_is_missing_after_one_second_and_the_slowest_reply_time(
    run: Run, slowest_us: int, owed: float, missing: int
) -> None:
    """The age since due does not matter: a server that answers each message is slow, not silent."""
    run.receive("a", report(held=10, wall_s=3.0, answered=21, rows={"message": {slowest_us: 1}}))
    document = _stopped(run, Waiting("message", owed, once([9.0])))
    assert (document["messages"]["waiting"], document["messages"]["missing"]) == (1, missing)


def test_reply_in_transit_at_the_stop_is_no_failure(run: Run) -> None:
    document = _stopped(run, *[Waiting("message", 0.012, once([0.012]))] * 2)
    assert (document["verdict"], document["messages"]["waiting"], document["messages"]["missing"]) == ("pass", 2, 0)


def test_reason_quotes_a_wrong_reply(run: Run) -> None:
    run.receive("a", report(wall_s=5.0, failures={"wrong": 2}, examples={"wrong": "ERR message too long"}))
    assert figures.document(run)["reasons"][0].endswith("; for example, ERR message too long")


def test_document_without_a_run_is_unknown() -> None:
    document = figures.document(Run(RunInfo(workers=2)))
    assert (document["verdict"], document["latency_ms"]["from_sent"]) == ("unknown", None)
    assert document["held"] == {"wanted": 0, "steady_min": None, "peak": 0, "server_steady_min": None}


def test_notes_follow_the_reasons(run: Run) -> None:
    run.notes.append("target-refused: ...")
    assert figures.document(run)["reasons"][-1] == "target-refused: ..."


def test_reason_names_a_host_that_steals_cpu(run: Run, tmp_path: Path) -> None:
    """A real meter reads a fake /proc, in which the host steals 1.9 of 2 CPUs."""
    meter = LagMeter(proc=tmp_path)
    for second in range(10, 15):
        (tmp_path / "stat").write_text(f"cpu 1 2 3 4 5 6 7 {second * 190} 0 0\n")
        lag = {**meter.report().to_wire(), "cpus": 2}
        run.receive("a", report(held=10, wall_s=second, cpu_s=second / 10, lag=lag))
        if second == 10:
            open_window(run)
            run.add_sample(SAMPLE)
    judged = figures.document(run)
    assert (judged["verdict"], judged["exit_code"]) == ("unknown", 4)
    assert judged["reasons"][0].startswith("the generator was saturated on worker a (")
    assert "the host stole 190% of a core" in judged["reasons"][0]


def test_worker_figures_are_of_the_steady_window(run: Run) -> None:
    for second in (10, 20):
        lag = {"lags": [[800, 98], [70_000, 2]], "worst_us": 70_001, "late_s": second / 50, "late_cpu_s": 0.0}
        grown = {"turns": second * 100, "steal_s": second / 10, "throttled_s": second / 100, "cpu_limit": 0.5}
        run.receive("a", report(held=10, wall_s=second, cpu_s=second / 10, lag={**lag, **grown}))
        if second == 10:
            open_window(run)
            run.add_sample(SAMPLE)
    (worker,) = figures.document(run)["generator"]["workers"]
    assert (worker["lag_p99_ms"], worker["lag_max_ms"]) == (pytest.approx(70, rel=0.001), 70.001)
    assert (worker["turns_s"], worker["stolen_share"], worker["throttled_share"]) == (100, 0.1, 0.01)
    assert (worker["late_cpu_share"], worker["cpu_limit"], worker["cpus"]) == (0, 0.5, 2)
    judged = figures.document(run)
    assert (judged["verdict"], judged["exit_code"]) == ("unknown", 4)
    assert judged["reasons"][0].startswith("the generator was saturated on worker a (lag p99 70.")


def test_ledger_states_the_connections_and_messages_of_a_lost_worker() -> None:
    run = started("a", "b", "c")
    run.receive("a", report(held=4, answered=7, messages={"sent": 9}))
    run.receive("b", report(held=2))
    run.participant("b").final = True
    run.participant("a").lost = run.participant("c").lost = "it went missing"
    assert run.totals().held == 6
    ledger = figures.document(run)["ledger"]
    lost, workers = ledger["unknown"], ledger["workers"]
    assert lost[0].startswith("worker a was lost (it went missing): what became of the 4 connections")
    assert "its 2 messages in flight" in lost[0]
    assert lost[1:2] == ["worker c was lost (it went missing) and never reported: what it did is unknown"]
    assert [(worker["id"], worker["lost"], worker["held"]) for worker in workers] == [
        ("a", True, 4), ("b", False, 2), ("c", True, None),
    ]  # fmt: skip
    assert workers[0]["messages"]["sent"] == 9


def test_thresholds_so_far_are_those_of_the_end(run: Run) -> None:
    late = report(held=10, wall_s=4.0, answered=28, failures={"closed": 3}, rows={"login": {2_000_000: 5}})
    run.receive("a", late)
    run.thresholds = {"min_held": 11, "max_failures": 0, "max_p99_ms": 1, "max_p50_ms[login]": 3000}
    checks = [*figures.checks_so_far(run, percentiles=False), *figures.checks_so_far(run, percentiles=True)]
    document = figures.document(run)
    found = {check["name"]: (check["actual"], check["ok"]) for check in document["thresholds"]}
    assert {check.name: (check.actual, check.ok) for check in checks} == found
    assert [ok for _, ok in found.values()] == [False, False, False, True]


def test_rate_so_far_is_not_compared_in_a_young_window(run: Run) -> None:
    run.thresholds = {"min_messages_s": 9}
    assert figures.checks_so_far(run, percentiles=False) == []
    for _ in range(figures.RATE_S):
        run.add_sample(SAMPLE)
    (check,) = figures.checks_so_far(run, percentiles=False)
    assert check.ok is False
