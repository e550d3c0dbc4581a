from pathlib import Path

import pytest

from bench.server.clients import burst
from bench.server.clients.burst import Crowd, Served
from bench.server.contenders import Server, ours, running


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a crowd that is never settled takes all of it."""
    monkeypatch.setattr(burst, "PATIENCE_S", 20.0)
    monkeypatch.setattr(burst, "WITHIN_S", 60.0)


def _served(folder: Path, size: int, model: str, *flags: str) -> tuple[Served, str]:
    with running(Server(model, model, ours(model, *flags)), folder) as server, Crowd(server.port, size) as found:
        return found.served, server.died()


def test_all_but_the_silent_one_are_answered(tmp_path: Path) -> None:
    assert _served(tmp_path, 50, "select") == (Served(answered=49), "")


def test_who_is_refused_is_not_answered(tmp_path: Path) -> None:
    found, _ = _served(tmp_path, 50, "select", "--max-connections", "10")
    assert found.answered + found.refused + found.failed in (49, 50)  # the silent one may be refused as well
    assert found.answered <= 10
    assert found.flooded == 0


def test_with_one_at_a_time_everyone_waits_for_the_silent_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(burst, "PATIENCE_S", 0.3)
    assert _served(tmp_path, 5, "sync")[0] == Served()


def test_a_flood_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(burst, "LINGER_S", 1.0)
    found, _ = _served(tmp_path, 5, "tutorial")
    assert (found.answered, found.flooded) == (4, 4)
