"""How the levels of a run are judged, from workers' reports to verdict.json."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from rawsocket.master.levels import level_verdicts, transitions
from rawsocket.shapes.shape import Level, Steps
from tests.support.controllers import ControllerBench, Hold, controller_bench


class Climb(Hold):
    shape = Steps(2, 6, by=2, hold=20)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[ControllerBench]:
    with controller_bench(monkeypatch, Climb, ours=True, headless=True, workers=1) as bench:
        monkeypatch.setattr(level_verdicts, "time", SimpleNamespace(monotonic=bench.clock))
        bench.add_worker("a", users=2)
        bench.start()
        yield bench


def _level(bench: ControllerBench, users: int, seconds: int = 20, **figures: Any) -> None:
    """Let one level pass; its connections are held from the first second on."""
    run = bench.controller.run
    transitions.begin(run, Level(users, 20.0), bench.clock.now)
    transitions.hold(run, bench.clock.now)
    for _ in range(seconds):
        bench.second(held=users, **figures)


def test_each_level_has_its_own_figures(bench: ControllerBench) -> None:
    _level(bench, 2)
    transitions.end(bench.controller.run, bench.clock.now)
    _level(bench, 4)
    document = bench.stop(held=4)
    first, second = document["levels"]
    assert document["shape"] == {
        "name": "steps", "text": "2 to 6 users by 2, 20 s each", "levels": 3, "line": "holds 4 users",
    }  # fmt: skip
    assert (first["number"], first["users"], first["held_min"], first["verdict"]) == (1, 2, 2, "pass")
    assert (second["number"], second["users"], second["held_min"], second["verdict"]) == (2, 4, 4, "pass")
    assert (first["begun_s"], first["held_s"], first["steady_from_s"], first["to_s"]) == (0.0, 0.0, 2.0, 20.0)
    assert (first["steady_s"], first["messages_s"], first["p99_ms"]) == (18.0, 10.0, 0.2)
    assert (document["verdict"], document["reasons"][0]) == ("pass", "holds 4 users")
    held = document["thresholds"][0]
    assert (held["name"], held["actual"], held["where"]) == ("min_held", 4, "at 4 users")


def test_level_that_misses_a_threshold_fails_the_run(bench: ControllerBench) -> None:
    _level(bench, 2)
    assert transitions.end(bench.controller.run, bench.clock.now)
    _level(bench, 4, failures={"reset": 3})
    assert not transitions.end(bench.controller.run, bench.clock.now)
    document = bench.stop(held=4, failures={"reset": 3})
    assert document["verdict"] == "fail"
    assert document["reasons"][0] == "holds 2 users; at 4 users: 3 failures; none were allowed"
    assert document["reasons"][1] == "max_failures: at 4 users: 3 failures; none were allowed"
    assert [level["verdict"] for level in document["levels"]] == ["pass", "fail"]
    assert [level["failures"] for level in document["levels"]] == [0, 3]
    (missed,) = [check for check in document["thresholds"] if not check["ok"]]
    assert missed["text"] == "at 4 users: 3 failures; none were allowed"


def test_level_that_could_not_be_held_fails_with_its_reason(bench: ControllerBench) -> None:
    run = bench.controller.run
    transitions.begin(run, Level(2, 20.0), bench.clock.now)
    for _ in range(5):
        bench.second(held=1, failures={"server-full": 1})
    run.levels.give_up("only 1 of 2 connections were held within 30 s", 1)
    document = bench.stop(held=1, failures={"server-full": 1})
    (level,) = document["levels"]
    assert (level["verdict"], level["held_s"], level["reason"]) == (
        *("fail", None),
        "only 1 of 2 connections were held within 30 s",
    )
    assert document["reasons"][0] == "at 2 users: only 1 of 2 connections were held within 30 s"
    assert [(check["name"], check["ok"]) for check in document["thresholds"]] == [
        ("min_held", False),
        ("max_failures", False),
    ]


def test_level_that_is_held_has_no_verdict_yet(bench: ControllerBench) -> None:
    _level(bench, 2, seconds=10)
    (level,) = level_verdicts.documents(bench.controller.run)["levels"]
    assert (level["verdict"], level["to_s"], level["held_min"], level["steady_s"]) == (None, None, 2, 8.0)
    assert {check.where for check in bench.controller.observer.running_figures.checks} <= {"at 2 users", ""}


def test_run_that_is_stopped_in_its_first_level_is_unknown(bench: ControllerBench) -> None:
    _level(bench, 2, seconds=1)
    document = bench.stop(held=2)
    (level,) = document["levels"]
    assert (level["verdict"], level["stopped"], level["reason"]) == ("unknown", True, level_verdicts.TOO_SHORT)
    assert document["verdict"] == "unknown"


def test_figures_of_a_level_that_has_ended_are_kept_and_its_times_dropped(bench: ControllerBench) -> None:
    _level(bench, 2)
    run = bench.controller.run
    transitions.end(run, bench.clock.now)
    (record,) = run.levels.records
    assert record.window is None
    assert level_verdicts.judged(run, record)[1]["p99_ms"] == 0.2


def test_run_without_a_shape_has_no_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        assert level_verdicts.documents(bench.controller.run) == {}
        assert level_verdicts.outcome(bench.controller.run) is None
        assert level_verdicts.limits_of_the_run(bench.controller.run) == bench.controller.run.limits()
