"""Extra clients as a context manager: where they go, and that they end whatever happens."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.drills.clients import extra, program
from lab.drills.clients.extra import ExtraClients, address
from lab.drills.drill import Stage
from lab.errors import LabError
from rawsocket.target import Target
from tests.support import echo
from tests.support.drill_stages import stage


def _stage(port: int) -> Stage:
    return stage(TARGET=f"tcp://127.0.0.1:{port}", TIMEOUT="2")[0]


def test_address_is_that_of_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    found = stage()[0]
    monkeypatch.setattr(found.parts("worker")[0], "environment", {"HOLDFAST_SERVER": "tls://server:8686"}.get)
    assert address(found) == Target("server", 8686, tls=True)
    assert address(_stage(9)) == Target("127.0.0.1", 9)


def test_they_are_there_in_the_block_and_gone_after_it() -> None:
    with echo.running("echo") as (_, port), ExtraClients(_stage(port), program.WRITE_SLOWLY, 4) as clients:
        assert clients._process.poll() is None
    assert clients._process.poll() == 0
    assert (clients.figures["opened"], clients.figures["failed"]) == (4, {})


def test_they_run_in_the_first_workers_container(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _stage(9)
    monkeypatch.setattr(found.parts("worker")[0], "id", "abc", raising=False)
    made = ExtraClients(replace(found, engine="docker"), program.GARBAGE, 1)
    assert made._command == ["docker", "exec", "--interactive", "abc", "python3", "-I"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("raise SystemExit('no such thing')", "did not start"), ("print('[]', flush=True)", "without their figures")],
)
def test_program_that_fails_is_an_error_with_what_it_said(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "p.py").write_text(text)
    monkeypatch.setattr(extra, "PROGRAM", tmp_path / "p.py")
    with pytest.raises(LabError, match=said) as failed, ExtraClients(_stage(9), program.ARRIVE, 1):
        pass
    assert "no such thing" in failed.value.evidence or "figures" in said


def test_program_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    figures: dict[str, Any] = {"opened": 1}
    (tmp_path / "p.py").write_text(f"import time\nprint({json.dumps(figures)!r}, flush=True)\ntime.sleep(600)\n")
    monkeypatch.setattr(extra, "PROGRAM", tmp_path / "p.py")
    monkeypatch.setattr(extra, "END_S", 0.1)
    clients = ExtraClients(stage(TARGET="tcp://a:1", TIMEOUT="0.1")[0], program.ARRIVE, 1)
    with pytest.raises(LabError, match="without their figures"), clients:
        pass
    assert clients._process.poll() is not None
