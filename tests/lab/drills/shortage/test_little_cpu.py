"""Little CPU: what is predicted, what the engine is told, and a limit that stays."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from lab.drills.drill import Ended, Stage
from lab.drills.shortage import little_cpu, server_limits
from lab.drills.shortage.little_cpu import LittleCpu
from tests.support.drill_stages import BEFORE, bounds, settings, stage


class Engine:
    """A server's container, with what the engine is told of it."""

    id = "abc"

    def __init__(self) -> None:
        self.said: list[str] = []
        self.quota = 0
        self.used = iter(range(0, 1000, 1))

    def cpu_seconds(self) -> float:
        return float(next(self.used))

    def limit(self, name: str) -> int:
        return self.quota

    def told(self, words: Sequence[str]) -> str:
        self.said.append(" ".join(words[2:-1]))
        self.quota = int(words[-2].partition("=")[2])
        return ""


def _staged(monkeypatch: pytest.MonkeyPatch) -> tuple[Stage, Engine, dict[str, float]]:
    engine, figures, now = Engine(), dict[str, float](), iter([0.0, 4.0, 10.0, 20.0])
    monkeypatch.setattr(little_cpu, "container", lambda _: engine)
    monkeypatch.setattr(little_cpu, "update", lambda _, *flags: ["docker", "update", *flags, "abc"])
    monkeypatch.setattr(little_cpu, "output", engine.told)
    monkeypatch.setattr(server_limits.time, "monotonic", lambda: next(now))
    found = replace(stage()[0], engine="docker", measured=figures.__setitem__, lease=_leased)
    return found, engine, figures


def _leased(undo: Sequence[Any]) -> Any:
    import contextlib

    assert undo == [{"kind": "command", "argv": ["docker", "update", "--cpu-quota=-1", "abc"]}]
    return contextlib.nullcontext()


def test_prediction() -> None:
    found = bounds(LittleCpu().expects(stage(5.0)[0], BEFORE))
    assert (found["lost"], found["own.left"], found["own.percent_of_limit"]) == ((0, 0), (0, 0), (None, 115))
    assert "lost" not in bounds(LittleCpu().expects(stage(9.0, TIMEOUT="10")[0], BEFORE))


def test_where_it_can_run() -> None:
    assert LittleCpu().refusal("native", settings()) == "it needs ENGINE=docker"
    assert LittleCpu().refusal("docker", settings(SERVER_CPUS="0.5")) == "SERVER_CPUS=0.5 is a limit already"


def test_half_of_what_is_used_is_allowed_and_the_limit_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    found, engine, figures = _staged(monkeypatch)
    with LittleCpu().injected(found):  # a second of CPU in 4 s: half of 25 %
        assert engine.said == ["--cpu-period=100000 --cpu-quota=12500"]
    assert engine.said[1:] == ["--cpu-quota=-1"]
    assert figures == {"percent_of_limit": 80.0, "left": 0}  # then one in 10 s


def test_limit_is_taken_away_if_the_run_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    found, engine, _ = _staged(monkeypatch)
    with pytest.raises(Ended), LittleCpu().injected(found):
        raise Ended
    assert engine.quota == -1


def test_limit_that_stays_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    found, engine, figures = _staged(monkeypatch)
    monkeypatch.setattr(engine, "limit", lambda _: 12500)
    with LittleCpu().injected(found):
        pass
    (left,) = [one for one in LittleCpu().expects(found, BEFORE) if one.figure == "own.left"]
    assert not left.met(figures["left"])
