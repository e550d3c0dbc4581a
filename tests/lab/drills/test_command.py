"""`drill` on the command line, with an engine that starts nothing."""

import os
from pathlib import Path
from typing import Any

import pytest

import lab.__main__ as command
from lab.drills import command as drills
from lab.drills.drill import NATIVE
from lab.drills.runner import DrillRunner
from lab.drills.table import DRILLS
from lab.errors import LabError
from lab.settings import Settings
from tests.support.fake_engine import FakeNative


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Settings]:
    """The settings of each run; no run is made."""
    monkeypatch.setattr(drills.folders, "work", lambda: tmp_path)
    (tmp_path / "runs").mkdir()
    monkeypatch.setattr(drills, "engine_for", lambda verb, chosen: FakeNative())
    made: list[Settings] = []

    def run(verb: str, engine: Any, chosen: Settings, company: DrillRunner) -> int:
        made.append(chosen)
        return 0

    monkeypatch.setattr(drills, "run_load", run)
    return made


def test_list_names_each_drill_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["drill", "list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [drill.name for drill in DRILLS]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no"], "there is no drill no: "),
        (["server-frosen"], "there is no drill server-frosen; did you mean server-frozen?"),
        (["server-frozen", "--time", "9s"], "TIME=9s: a drill ends its run when it has recovered"),
        (["process-killed"], "process-killed can't run here: it needs a server of several processes: PROCESSES=4"),
        (
            ["server-killed", "--target", "tcp://127.0.0.1:9"],
            "server-killed can't run here: the lab does not run TARGET",
        ),
        (["server-frozen", "--drill", "reset"], "DRILL=reset is for load and ci: `drill NAME` names the drill"),
        (["server-frozen", "--for", "x"], "FOR='x' is not valid: expected a time"),
    ],
)
@pytest.mark.usefixtures("ran")
def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    assert command.main(["drill", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_run_is_as_long_as_the_drill_may_take(ran: list[Settings]) -> None:
    assert command.main(["drill", "server-frozen", "--users", "100", "--rate", "100", "--for", "2s"]) == 0
    assert [chosen["TIME"] for chosen in ran] == ["135s"]  # 1 + 30 + 4 + 60 + 10 + 30


def test_variables_of_the_server_are_set_for_the_run_alone(
    ran: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []
    monkeypatch.setattr(drills, "run_load", lambda *_: seen.append(os.environ.get("SERVER_BACKLOG")) or 0)
    monkeypatch.delenv("SERVER_BACKLOG", raising=False)
    assert command.main(["drill", "accept-queue-overflow"]) == 0
    assert "SERVER_BACKLOG" not in os.environ
    monkeypatch.setenv("SERVER_BACKLOG", "5")
    assert command.main(["drill", "accept-queue-overflow"]) == 0
    assert (seen, os.environ["SERVER_BACKLOG"]) == (["16", "5"], "5")


@pytest.mark.parametrize(("name", "jitter"), [("reconnect-herd", "yes"), ("reconnect-herd-no-jitter", "no")])
def test_settings_that_a_drill_changes_are_changed_for_its_run(ran: list[Settings], name: str, jitter: str) -> None:
    assert command.main(["drill", name]) == 0
    assert [chosen["RECONNECT_JITTER"] for chosen in ran] == [jitter]


def test_length_of_another_drill_is_left_out(ran: list[Settings], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("steps: [{send: a}]\ndrill: {name: reset, for: 50s}")
    assert (
        command.main(
            ["drill", "server-frozen", "--users", "100", "--rate", "100", "--scenario", str(tmp_path / "a.yaml")]
        )
        == 0
    )
    assert [chosen["FOR"] for chosen in ran] == [""]


def test_all_runs_those_that_apply_and_writes_the_page(
    ran: list[Settings], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command.main(["drill", "all"]) == 0
    assert len(ran) == len([drill for drill in DRILLS if NATIVE in drill.engines]) - 2
    out, err = capsys.readouterr()
    assert out.splitlines()[0].split() == ["server-frozen", "recovered"]
    assert out.splitlines()[-1] == "Drills: runs/drills.html"
    assert len(out.splitlines()) == len(ran) + 1
    assert "process-killed: left out: it needs a server of several processes" in err
    assert "black-hole: left out: it needs ENGINE=docker" in err
    assert "server-frozen" in (tmp_path / "runs/drills.html").read_text()


@pytest.mark.parametrize(("codes", "code"), [([0, 3, 4], 4), ([3, 0, 0], 3), ([0, None, 3], 1)])
def test_exit_code_of_all_is_the_worst(
    ran: list[Settings], monkeypatch: pytest.MonkeyPatch, codes: list[int | None], code: int
) -> None:
    left = iter(codes)

    def run(*_: Any) -> int:
        found = next(left, 0)
        if found is None:
            raise LabError("it failed")
        return found

    monkeypatch.setattr(drills, "run_load", run)
    assert command.main(["drill", "all"]) == code
