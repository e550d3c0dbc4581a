from argparse import Namespace

import pytest

from rawsocket.master import judge
from rawsocket.master.fleet import Fleet
from rawsocket.master.judge import Evidence, Run
from rawsocket.master.timeline import Timeline
from rawsocket.verdict import Thresholds
from tests.rawsocket.master.test_timeline import SAMPLE
from tests.support.reports import report

KEYS = {
    "run": "scenario users rate time_s workers target every_s size_bytes framing app started_utc ended_utc "
    "steady_from_s steady_s",
    "held": "steady_min peak server_steady_min",
    "connections": "attempted connected failed dropped reconnects",
    "messages": "due sent answered wrong late unanswered per_s",
    "latency_ms": "connect from_sent from_due",
    "generator": "workers",
}


@pytest.fixture
def evidence() -> Evidence:
    fleet, timeline = Fleet(), Timeline()
    fleet.begin(["a"])
    fleet.take("a", report(held=10, rows={"connect": {900: 10}, "message": {50_000: 1}}))
    fleet.open_window()
    timeline.open_window()
    for second in range(1, 4):
        rows = {"message": {400: 99, 2000: 1}}
        fleet.take("a", report(held=10, wall_s=second, cpu_s=second / 10, answered=second * 7, rows=rows))
        timeline.add(SAMPLE)
    timeline.close_window()
    return Evidence(Run(workers=1, every_s=1.0, steady_s=3.0), fleet, timeline, Thresholds(min_held=10))


@pytest.mark.parametrize(
    ("options", "min_held", "wanted"),
    [
        ({}, None, Thresholds(max_failures=0)),
        ({"min_held": 0, "max_failures": -1, "max_p99_ms": 0.0, "min_messages_s": 0.0}, None, Thresholds()),
        (
            {"min_held": 3, "max_failures": 5, "max_p99_ms": 9.0, "min_messages_s": 2.0},
            None,
            Thresholds(3, 5, 9.0, 2.0),
        ),
        ({"min_held": 3}, 7, Thresholds(7, 0)),
        ({"min_held": 3}, 0, Thresholds(None, 0)),
    ],
)
def test_thresholds_from_the_flags(options: dict[str, float], min_held: int | None, wanted: Thresholds) -> None:
    assert judge.thresholds(Namespace(**options), min_held) == wanted


def test_figures_are_of_the_steady_window(evidence: Evidence) -> None:
    figures = judge.figures(evidence)
    assert figures.p99_ms == 0.4  # neither the ramp's 50 ms, nor an average
    assert figures.messages_s == pytest.approx(7)
    assert figures.held_min == 10
    assert figures.workers[0].cpu_share == pytest.approx(0.1)
    assert judge.judge(evidence).verdict == "pass"


def test_the_document_has_the_promised_keys(evidence: Evidence) -> None:
    document = judge.document(evidence)
    promised = "schema verdict exit_code reasons run held connections messages latency_ms generator server thresholds"
    assert list(document) == [*promised.split(), "ledger"]
    for key, names in KEYS.items():
        assert list(document[key]) == names.split(), key
    assert list(document["generator"]["workers"][0]) == ["id", "state", "users", "held", "cpu_share", "lost"]
    assert document["thresholds"] == [{"name": "min_held", "limit": 10, "actual": 10, "ok": True}]
    assert document["latency_ms"]["connect"]["p50"] == 0.9
    assert list(document["latency_ms"]["from_sent"]) == ["p50", "p95", "p99", "p99_9", "max"]
    assert (document["schema"], document["server"], document["ledger"]) == (1, None, None)


def test_a_reply_that_nobody_asked_for_is_a_wrong_one(evidence: Evidence) -> None:
    evidence.fleet.take("a", report(wall_s=5.0, failures={"wrong": 2}))
    assert judge.figures(evidence).wrong == 2
    assert judge.judge(evidence).exit_code == 3


def test_no_run_is_a_document_too() -> None:
    document = judge.document(Evidence(Run(workers=2), Fleet(), Timeline()))
    assert (document["verdict"], document["latency_ms"]["from_sent"]) == ("unknown", None)
    assert document["held"] == {"steady_min": None, "peak": 0, "server_steady_min": None}


def test_notes_stand_behind_the_reasons(evidence: Evidence) -> None:
    evidence.notes = ("target-refused: ...",)
    assert judge.document(evidence)["reasons"][-1] == "target-refused: ..."
