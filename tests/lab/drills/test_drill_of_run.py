"""The drill that a run has as well: when there is one, what refuses it, and a run of each outcome."""

import json
from pathlib import Path

import pytest

import lab.__main__ as command
from lab import folders
from lab.drills import drill_of_run
from lab.engines.native.deployment import ProcessPart
from lab.errors import UsageError
from tests.support.busy_machine import MachineTooBusy, is_busy, retry_on_busy_machine
from tests.support.drill_stages import settings
from tests.support.drilled import USUAL

SCENARIO = """
from rawsocket import LabSession, Session, Connect

class Mine(LabSession):
    drill = {"name": "server-frozen", "at": "5s", "for": "1s"}
    holds = True

    def session(self) -> Session:
        yield Connect()
        while True:
            yield self.pause()
            yield self.message()
"""
# 8 users, a ramp of 0.08 s: 5 s until the fault, 1 s, 10 s for the recovery.
LEAST = {**USUAL, "TIME": "17s", "MAX_P99_MS": "5000", "MAX_LAG_MS": "500", "SCENARIO": "mine"}


@pytest.mark.parametrize("given", [{}, {"DRILL": "none"}])
def test_run_without_a_drill(given: dict[str, str]) -> None:
    assert drill_of_run.drill_runner("native", settings(**given)) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"DRILL": "server-frosen"}, "there is no such drill; did you mean server-frozen?: expected none or one of"),
        ({"DRILL": "reset"}, "DRILL=reset can't run here: it needs ENGINE=docker; DRILL=none runs without it"),
        (
            {"DRILL": "master-killed"},
            "DRILL=master-killed ends its run, so it has one of its own: `drill master-killed`",
        ),
        ({"DRILL": "accept-queue-overflow"}, "needs other settings than the usual ones: set SERVER_BACKLOG=16"),
        ({"DRILL": "reconnect-herd-no-jitter"}, "needs other settings than the usual ones: set RECONNECT_JITTER=no"),
        (
            {"DRILL": "server-frozen", "TIME": "28s", "AT": "10s"},
            "TIME=28s is too short for DRILL=server-frozen: the ramp, AT=10s, the fault and its recovery take 29 s: "
            "give TIME=29s or more",
        ),
    ],
)
def test_drill_that_has_no_place_is_refused_in_one_line(given: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        drill_of_run.drill_runner("native", settings(**given))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_load_shape_has_no_drill(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "locustfiles").mkdir()
    (tmp_path / "locustfiles/hold.py").write_text("class A:\n    shape = Steps(1, 2, by=1, hold='5s')\n")
    monkeypatch.setattr(folders, "work", lambda: tmp_path)
    with pytest.raises(UsageError, match=r"DRILL=server-frozen needs a steady load"):
        drill_of_run.drill_runner("native", settings(DRILL="server-frozen"))


def _run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wanted: int) -> dict[str, object]:
    (tmp_path / "locustfiles").mkdir()
    (tmp_path / "locustfiles/mine.py").write_text(SCENARIO)
    monkeypatch.setattr(folders, "work", lambda: tmp_path)
    for variable, value in LEAST.items():
        monkeypatch.setenv(variable, value)
    code = command.main(["load"])
    document: dict[str, object] = json.loads((tmp_path / "runs/latest/verdict.json").read_text())
    if code != wanted and is_busy(document):
        raise MachineTooBusy(str(document["reasons"]))
    assert code == wanted, document["reasons"]
    return document


@retry_on_busy_machine
def test_run_and_drill_are_both_judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    document = _run(monkeypatch, tmp_path, 0)
    drill = document["drill"]
    assert isinstance(drill, dict)
    assert (drill["name"], drill["outcome"], drill["for_s"]) == ("server-frozen", "recovered", 1.0)
    assert drill["injected_s"] >= 5
    assert "drill server-frozen: recovered as predicted" in document["reasons"]  # type: ignore[operator]
    assert document["thresholds"]


@retry_on_busy_machine
def test_server_that_is_left_frozen_fails_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ProcessPart, "thaw", lambda self: None)
    document = _run(monkeypatch, tmp_path, 3)
    assert "it did not heal: server was still frozen" in document["reasons"]  # type: ignore[operator]
