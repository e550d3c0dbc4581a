"""A lab on which any drill can be played without a process or a container, and which may refuse to heal."""

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest

from lab.drills import runner
from lab.drills.clients import accept_queue
from lab.drills.drill import Drill
from lab.drills.namespace import fault_location
from lab.drills.namespace.helper import Helper
from lab.drills.namespace.rules import QUEUE
from lab.drills.network import bandwidth
from lab.drills.processes import serving
from lab.drills.runner import DrillRunner
from lab.settings import Settings
from rawsocket.verdict.drills.prediction import Marks
from tests.support.drill_stages import Lab, Part, settings

HELD = 40
SOON_S = 30.0
RULES = "table inet holdfast_drill"
LISTING = "\n".join(f"0 0 127.0.0.1:9 127.0.0.1:{40_000 + number}" for number in range(HELD))
GIVEN = {"USERS": str(HELD), "RATE": "100", "WORKERS": "2", "PROCESSES": "2", "TIMEOUT": "0.1", "RECOVER": "1s"}


class UnhealedPart(Part):
    """A part that stays frozen."""

    frozen = False

    def freeze(self) -> None:
        super().freeze()
        self.frozen = True

    def is_frozen(self) -> bool:
        return self.frozen

    def environment(self, name: str) -> str:
        return "tcp://127.0.0.1:9"


class HealedPart(UnhealedPart):
    """A part that goes on."""

    def thaw(self) -> None:
        super().thaw()
        self.frozen = False


class BrokenLab(Lab):
    """A lab whose parts stay frozen, and whose processes are not replaced, unless it `heals`."""

    def __init__(self, chosen: Settings, heals: bool) -> None:
        super().__init__(chosen, {0: HELD // 2, 1: HELD // 2})
        self.heals = heals
        made = HealedPart if heals else UnhealedPart
        self._parts = [made(part.name, self.said) for part in self._parts]

    def signal_server(self, pid: int, number: int) -> None:
        if self.heals:
            super().signal_server(pid, number)


class ScriptedHelper(Helper):
    """A helper that answers what its programs would; `left`: what it could not remove."""

    left: tuple[str, ...] = ()
    count = 0

    def __enter__(self) -> "ScriptedHelper":
        return self

    def run(self, *command: str, text: str = "") -> str:
        ScriptedHelper.count += 1000
        number, program = ScriptedHelper.count, command[0]
        if program == "python3":
            return json.dumps(["refused"] * HELD) if len(command) > 3 else "1"
        if program == "ip":
            return json.dumps([{"dev": "eth0", "stats64": {"tx": {"bytes": number}}}])
        if program == "tc" and "show" in command:
            return json.dumps([{"handle": QUEUE, "backlog": 1, "bytes": number, "options": {"rate": 1}}])
        return {"ss": LISTING, "sh": "0"}.get(program, "")

    def _close(self) -> list[str]:
        return list(self.left)


class NoClients:
    """Clients of a drill that have come and gone."""

    figures: Mapping[str, Any] = {"times": [], "opened": 0, "sent": 0, "messages": 0}

    def __init__(self, *arguments: object, **more: object) -> None:
        pass

    def __enter__(self) -> "NoClients":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def arrived(self) -> None:
        """They have."""


def played(monkeypatch: pytest.MonkeyPatch, drill: Drill, heals: bool) -> tuple[Marks, BrokenLab]:
    """Conduct the drill beside made-up seconds until it ends the run; return what the master was told at last."""
    for name, value in (("POLL_S", 0.002), ("SEEN_S", 0.002)):
        monkeypatch.setattr(runner, name, value)
    monkeypatch.setattr(runner, "length_s", lambda *_: 0.01)
    monkeypatch.setattr(runner.lease, "lease", lambda undo, seconds: contextlib.nullcontext())
    monkeypatch.setattr(runner.lease, "heal", lambda undo: None)
    monkeypatch.setattr(bandwidth, "LOOK_S", 0.01)
    monkeypatch.setattr(bandwidth, "SETTLE_S", 0.01)
    monkeypatch.setattr(serving, "BACK_S", 0.05)
    monkeypatch.setattr("lab.drills.processes.processes_rolling.PAUSE_S", 0.0)
    monkeypatch.setattr(accept_queue, "ExtraClients", NoClients)
    monkeypatch.setattr(accept_queue, "overflows", lambda stage: 0)
    left = () if heals else (RULES,)
    monkeypatch.setattr(ScriptedHelper, "left", left)
    monkeypatch.setattr(fault_location, "helper_of", lambda part: ScriptedHelper(part.name, ()))
    chosen = settings(**GIVEN)
    lab = BrokenLab(chosen, heals)
    made = DrillRunner(drill, "docker", chosen)
    with made.beside(lab):
        for at in _counted(lab):
            second = {"elapsed_s": float(at), "held": HELD, "wanted": HELD, "p99_ms": 1.0, "failures": 0}
            made.relaying(lambda line: None)(json.dumps({"progress": {**second, "messages_s": 4.0}}))
            time.sleep(0.005)
    return _marks(lab), lab


def _counted(lab: BrokenLab) -> Iterator[int]:
    deadline, at = time.monotonic() + SOON_S, 0
    while not (lab.files and _marks(lab).end):
        assert time.monotonic() < deadline, lab.files[-1:]
        yield at
        at += 1


def _marks(lab: BrokenLab) -> Marks:
    return cast(Any, Marks.read(lab.files[-1][1]))
