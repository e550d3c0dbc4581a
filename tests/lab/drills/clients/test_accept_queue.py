"""Newcomers to a frozen server: what is predicted, a run, and a server that stays frozen."""

from pathlib import Path

import pytest

from lab.drills.clients.accept_queue import AcceptQueueOverflow
from lab.engines.native.deployment import ProcessPart
from tests.support.drill_stages import BEFORE, bounds, settings, stage
from tests.support.drilled import drilled, measured


def test_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SERVER_BACKLOG", raising=False)
    found = bounds(AcceptQueueOverflow().expects(stage(3.0)[0], BEFORE))
    assert found["own.at_once"] == (17, 19)
    assert found["own.overflows"] == (31, None)
    assert found["own.in_the_end"] == (50, 50)
    assert (found["lost"], found["held_min"]) == ((0, 0), (100, None))
    monkeypatch.setenv("SERVER_BACKLOG", "100")
    assert bounds(AcceptQueueOverflow().expects(stage(3.0)[0], BEFORE))["own.at_once"] == (50, 50)


def test_long_fault_says_nothing_of_those_that_give_up() -> None:
    found = bounds(AcceptQueueOverflow().expects(stage(20.0, TIMEOUT="10")[0], BEFORE))
    assert not found.keys() & {"lost", "held_min", "own.in_the_end"}


def test_server_without_room_for_all_may_leave_some_in_its_backlog(monkeypatch: pytest.MonkeyPatch) -> None:
    found, lab = stage(3.0)
    monkeypatch.setattr(lab, "server_metrics", lambda: "holdfast_server_max_connections 149.0\n")
    assert "own.in_the_end" not in bounds(AcceptQueueOverflow().expects(found, BEFORE))


def test_where_it_can_run() -> None:
    assert (
        AcceptQueueOverflow().refusal("native", settings(SERVER_COMMAND="sh")).startswith("only the lab's own server")
    )


def test_arithmetic_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, document = drilled(monkeypatch, tmp_path, "accept-queue-overflow")
    assert code == 0, document["reasons"]
    assert 17 <= measured(document)["own.at_once"] <= 19
    assert document["ledger"]["reconciled"]


def test_server_that_is_left_frozen_is_detected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ProcessPart, "thaw", lambda self: None)
    code, document = drilled(monkeypatch, tmp_path, "accept-queue-overflow", wanted=3, FOR="1s", TIMEOUT="1")
    assert (code, document["drill"]["outcome"]) == (3, "not recovered")
    assert any("still frozen" in reason for reason in document["reasons"])
