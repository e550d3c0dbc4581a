"""Little memory: what is predicted, what the engine is told, and a server that is killed or stays limited."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from lab.drills.drill import Stage
from lab.drills.shortage import little_memory
from lab.drills.shortage.little_memory import LittleMemory
from tests.lab.drills.clients.test_badly_behaved import Clients
from tests.support.drill_stages import BEFORE, bounds, settings, stage

MB = 1024**2


class Engine:
    """A server's container with a limit of 1 GB that uses 50 MB."""

    id = "abc"

    def __init__(self) -> None:
        self.limits = {"Memory": 1024 * MB, "MemorySwap": -1}
        self.killed = False
        self.said: list[str] = []

    def limit(self, name: str) -> int:
        return self.limits[name]

    def memory_bytes(self) -> int:
        return 50 * MB

    def refresh(self) -> None:
        pass

    def lacked_memory(self) -> bool:
        return self.killed

    def told(self, words: Sequence[str]) -> str:
        self.said.append(" ".join(words[2:-1]))
        for word in words:
            if word.startswith("--memory="):
                self.limits["Memory"] = int(word.partition("=")[2])
        return ""


def _staged(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> tuple[Stage, dict[str, float]]:
    figures: dict[str, float] = {}
    monkeypatch.setattr(little_memory, "container", lambda _: engine)
    monkeypatch.setattr(little_memory, "update", lambda _, *flags: ["docker", "update", *flags, "abc"])
    monkeypatch.setattr(little_memory, "output", engine.told)
    monkeypatch.setattr(little_memory, "ExtraClients", Clients)

    def lease(undo: Sequence[Any]) -> Any:
        assert undo[0]["argv"] == ["docker", "update", "--memory-swap=-1", f"--memory={1024 * MB}", "abc"]
        return contextlib.nullcontext()

    return replace(stage()[0], engine="docker", measured=figures.__setitem__, lease=lease), figures


def test_prediction() -> None:
    found = bounds(LittleMemory().expects(stage()[0], BEFORE))
    assert found["own.killed"] == found["own.left"] == found["lost"] == (0, 0)


def test_where_it_can_run() -> None:
    assert LittleMemory().refusal("docker", settings()) == ""
    assert LittleMemory().refusal("native", settings()) == "it needs ENGINE=docker"
    assert LittleMemory().unfit(settings(SERVER_MEM="0")).startswith("SERVER_MEM=0: ")
    assert LittleMemory().unfit(settings(SERVER_IMAGE="redis:7", SCENARIO="churn")).startswith("it needs a message")


def test_limit_is_lowered_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    found, figures = _staged(monkeypatch, engine)
    with LittleMemory().injected(found):
        assert engine.said == [f"--memory={82 * MB} --memory-swap={82 * MB}"]
    assert engine.said[1:] == [f"--memory-swap=-1 --memory={1024 * MB}"]
    assert figures == {"killed": 0, "left": 0}


@pytest.mark.parametrize("figure", ["killed", "left"])
def test_server_that_was_killed_or_stays_limited_is_noticed(figure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    found, figures = _staged(monkeypatch, engine)
    with LittleMemory().injected(found):
        engine.killed = figure == "killed"
        if figure == "left":
            monkeypatch.setattr(little_memory, "output", lambda _: "")
    (expected,) = [one for one in LittleMemory().expects(found, BEFORE) if one.figure == f"own.{figure}"]
    assert not expected.met(figures[figure])
