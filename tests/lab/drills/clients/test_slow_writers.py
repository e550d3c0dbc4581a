"""Slow writers: a run, and one in which they do not leave."""

from pathlib import Path
from typing import Any

import pytest

from lab.drills.clients import badly_behaved, extra
from lab.drills.clients.extra import ExtraClients
from tests.support.drilled import SHORT, drilled, measured


def test_arithmetic_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, document = drilled(monkeypatch, tmp_path, "slow-writers", **SHORT)
    assert code == 0, document["reasons"]
    assert measured(document)["own.seen"] == 20


def test_clients_that_do_not_leave_are_detected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stay: list[Any] = []

    def end(self: ExtraClients) -> None:
        stay.append(self._process)
        self.figures = {"opened": 20, "messages": 0, "sent": 99, "received": 0, "closed": 0, "failed": {}}

    monkeypatch.setattr(ExtraClients, "end", end)
    monkeypatch.setattr(extra, "LEASE_S", 100.0)
    monkeypatch.setattr(badly_behaved, "NOTICE_S", 0.5)
    code, document = drilled(monkeypatch, tmp_path, "slow-writers", wanted=3, **SHORT)
    for process in stay:
        process.communicate()
    assert (code, document["drill"]["outcome"]) == (3, "not recovered")
    assert any(reason.startswith("own.left: 20, predicted exactly 0") for reason in document["reasons"])
