"""The order of a drill, beside a run whose seconds are made up: steady, injected, healed, watched, ended."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.drills import runner
from lab.drills.drill import Before, Drill, Stage
from lab.drills.runner import DrillRunner, least_time_s, length_s, run_s, server_name
from rawsocket.verdict.drills.prediction import Expected, Marks
from tests.support.drill_stages import Lab, settings

SOON_S = 30.0


class Fault(Drill):
    """A fault that is written down."""

    name, text = "fault", "something breaks"

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        return [Expected("lost", 0, before.held)]

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        stage.measured("cap", 1.5)
        stage.find("a finding")
        stage.lab.said.append("broken")  # type: ignore[attr-defined]
        try:
            yield
        finally:
            stage.lab.said.append("whole")  # type: ignore[attr-defined]


class Failing(Fault):
    """A fault that can't be injected."""

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        raise OSError("not permitted")
        yield


def _line(at: float, held: int = 8) -> str:
    return json.dumps(
        {"progress": {"elapsed_s": at, "held": held, "wanted": 8, "p99_ms": 1.0, "failures": 0, "messages_s": 4.0}}
    )


def _conduct(
    monkeypatch: pytest.MonkeyPatch,
    drill: Drill,
    until: Callable[[Marks], bool],
    held: int = 8,
    lab: Lab | None = None,
    for_s: float = 0.01,
    after_s: float | None = None,
    **more: str,
) -> tuple[Marks, Lab]:
    """Conduct a drill beside made-up seconds, a hundred times as fast, until its marks say something."""
    monkeypatch.setattr(runner, "POLL_S", 0.002)
    monkeypatch.setattr(runner, "SEEN_S", 0.002)
    monkeypatch.setattr(runner, "STEADY_MOST_S", 20.0)
    monkeypatch.setattr(runner, "length_s", lambda *_: for_s)
    chosen = settings(USERS="8", RATE="100", **more)
    lab = lab or Lab(chosen)
    made = DrillRunner(drill, "native", chosen, after_s)
    relayed: list[str] = []
    relay = made.relaying(relayed.append)
    with made.beside(lab):
        deadline, at = time.monotonic() + SOON_S, 0
        while not (lab.files and until(_marks(lab))):
            assert time.monotonic() < deadline, lab.files[-1:]
            relay(_line(float(at), held))
            at += 1
            time.sleep(0.01)
    assert relayed
    return _marks(lab), lab


def _marks(lab: Lab) -> Marks:
    found = Marks.read(lab.files[-1][1])
    assert found
    return found


def _ends(marks: Marks) -> bool:
    return marks.end


def test_a_drill_from_its_steady_state_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    marks, lab = _conduct(monkeypatch, Fault(), _ends)
    assert lab.said == ["broken", "whole"]
    assert marks.injected is not None
    assert marks.healed is not None
    assert marks.injected < marks.healed
    assert (marks.predicted, marks.wanted, marks.server) == ((Expected("lost", 0, 8),), 8, "select, local processes")
    assert (marks.own, marks.findings, marks.trouble) == ({"cap": 1.5}, ("a finding",), "")


def test_drill_of_a_run_that_is_judged_as_well_comes_at_its_time_and_does_not_end_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab = Lab(settings())
    marks, _ = _conduct(monkeypatch, Fault(), lambda marks: marks.healed is not None, after_s=20.0, lab=lab, TIME="60s")
    assert (marks.beside, marks.end, lab.said) == (True, False, ["broken", "whole"])


def test_drill_that_finds_no_steady_state_in_time_lets_its_run_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    marks, lab = _conduct(monkeypatch, Fault(), lambda marks: bool(marks.unsteady), held=7, after_s=5.0, TIME="30s")
    assert (marks.unsteady, marks.end, lab.said) == ("7 of 8 connections held", False, [])


def test_part_that_is_still_frozen_in_a_run_that_is_judged_as_well_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(settings())
    monkeypatch.setattr(lab.parts()[0], "is_frozen", lambda: True)
    marks, _ = _conduct(monkeypatch, Fault(), lambda marks: bool(marks.trouble), after_s=5.0, lab=lab, TIME="60s")
    assert (marks.trouble, marks.end) == ("it did not heal: server was still frozen", False)


def test_least_time_of_a_run_with_a_drill() -> None:
    chosen = settings(USERS="100", RATE="50")
    assert least_time_s(Fault(), chosen, 20.0) == 2 + 20 + 5 + 10
    assert least_time_s(Fault(), chosen, 1.0) == 2 + 5 + 5 + 10


def test_without_a_steady_state_nothing_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    marks, lab = _conduct(monkeypatch, Fault(), _ends, held=7)
    assert (marks.unsteady, marks.injected, lab.said) == ("7 of 8 connections held", None, [])


@pytest.mark.parametrize(("limit", "objective"), [("250", 250.0), ("0", None)])
def test_p99_has_an_objective_where_it_has_a_limit(
    monkeypatch: pytest.MonkeyPatch, limit: str, objective: float | None
) -> None:
    marks, _ = _conduct(monkeypatch, Fault(), _ends, MAX_P99_MS=limit)
    assert (marks.p99_ms, marks.unsteady) == (objective, "")


def test_run_that_does_not_recover_is_watched_for_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "recovered_at", lambda *_: None)
    marks, _ = _conduct(monkeypatch, Fault(), _ends, RECOVER="1s")
    assert marks.healed is not None


def test_fault_that_can_not_be_injected_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    marks, _ = _conduct(monkeypatch, Failing(), _ends)
    assert (marks.impossible, marks.trouble, marks.injected) == ("not permitted", "", None)


class Broken(Failing):
    """A fault without a length: when it fails, it may have happened already."""

    lasts = False


def test_fault_without_a_length_that_fails_is_a_drill_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    marks, _ = _conduct(monkeypatch, Broken(), _ends)
    assert (marks.impossible, marks.trouble) == ("", "the drill failed: OSError: not permitted")


def test_part_that_is_still_frozen_after_healing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(settings())
    monkeypatch.setattr(lab.parts()[2], "is_frozen", lambda: True)
    marks, _ = _conduct(monkeypatch, Fault(), _ends, lab=lab)
    assert marks.trouble == "it did not heal: worker-1 was still frozen"


def test_run_that_ends_during_the_fault_leaves_it_healed(monkeypatch: pytest.MonkeyPatch) -> None:
    drill = Fault()
    marks, lab = _conduct(monkeypatch, drill, lambda marks: marks.injected is not None, for_s=300.0)
    assert lab.said == ["broken", "whole"]
    assert marks.healed is None


def test_the_thread_lives_until_the_run_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel stops processes that a thread has started when that thread ends."""
    before = threading.active_count()
    made = DrillRunner(Failing(), "native", settings())
    with made.beside(Lab(settings())):
        assert threading.active_count() == before + 1


def test_length_of_a_fault_and_of_its_run() -> None:
    assert length_s(Fault(), settings()) == 5.0
    assert length_s(Fault(), settings(FOR="2s")) == 2.0
    assert run_s(Fault(), settings(RECOVER="10s")) == 30 + 10 + 10 + 10 + 30


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"MODEL": "epoll"}, "epoll, containers"),
        ({"PROCESSES": "4"}, "select, 4 processes, containers"),
        ({"TARGET": "tcp://a:1"}, "tcp://a:1, containers"),
        ({"SERVER_IMAGE": "redis:7"}, "SERVER_IMAGE=redis:7, containers"),
    ],
)
def test_name_of_what_is_drilled(given: dict[str, Any], name: str) -> None:
    assert server_name(settings(**given), "docker") == name
    assert server_name(settings(**given), "native") == name.replace("containers", "local processes")


def test_time_that_the_engine_takes_is_before_the_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Fault):
        @contextlib.contextmanager
        def injected(self, stage: Stage) -> Iterator[None]:
            times.append(time.time())
            yield

    times: list[float] = []
    marks, _ = _conduct(monkeypatch, Slow(), _ends)
    assert marks.asked is not None
    assert marks.injected is not None
    assert marks.asked <= times[0] <= marks.injected


def test_fault_is_in_effect_when_its_drill_says_so_first(monkeypatch: pytest.MonkeyPatch) -> None:
    class Early(Fault):
        @contextlib.contextmanager
        def injected(self, stage: Stage) -> Iterator[None]:
            stage.began()
            times.append(time.time())
            yield

    times: list[float] = []
    marks, _ = _conduct(monkeypatch, Early(), _ends)
    assert marks.injected is not None
    assert marks.injected <= times[0]
