"""The server is frozen: nothing is lost before TIMEOUT, and a server that is left frozen is noticed."""

from pathlib import Path

import pytest

from lab.drills.processes.server_frozen import ServerFrozen
from lab.engines.native.deployment import ProcessPart
from tests.support.drill_stages import BEFORE, bounds, stage
from tests.support.drilled import SHORT, drilled, measured


def test_prediction_of_a_fault_that_is_shorter_than_the_timeout() -> None:
    found = bounds(ServerFrozen().expects(stage(5.0)[0], BEFORE))
    assert found["lost"] == (0, 0)
    assert found["recover_s"] == (None, 5)
    assert found["peak_p99_ms"] == pytest.approx((4750, 7002))  # 250 messages wait: 5000 * (0.97 - 5 / 250)


def test_prediction_with_too_few_messages_says_nothing_of_the_oldest() -> None:
    assert "peak_p99_ms" not in bounds(ServerFrozen().expects(stage(0.3)[0], BEFORE))


def test_prediction_of_a_fault_that_is_longer_than_the_timeout() -> None:
    found = bounds(ServerFrozen().expects(stage(17.0, TIMEOUT="10", EVERY="10")[0], BEFORE))
    assert found == {"lost": (40, 100)}  # due in the first 5 of 10 s: half of them, less a margin
    assert bounds(ServerFrozen().expects(stage(60.0, TIMEOUT="10", EVERY="0")[0], BEFORE)) == {"lost": (0, 0)}


def test_lease_is_taken_before_the_fault() -> None:
    found, lab = stage()
    with ServerFrozen().injected(found):
        assert lab.said == ["lease ['server']", "freeze server"]
    assert lab.said[2:] == ["thaw server", "healed"]


def test_arithmetic_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, document = drilled(monkeypatch, tmp_path, "server-frozen", **SHORT)
    assert code == 0, document["reasons"]
    assert measured(document)["lost"] == 0
    assert [event["text"] for event in document["events"] if event["kind"] == "drill"] == [
        f"drill: {ServerFrozen.text}",
        "drill: healed",
    ]
    assert "as predicted" in (tmp_path / "runs/latest/summary.md").read_text()
    assert '<h2 id="drill">Drill: server-frozen' in (tmp_path / "runs/latest/report.html").read_text()


def test_server_that_is_left_frozen_is_detected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ProcessPart, "thaw", lambda self: None)
    code, document = drilled(monkeypatch, tmp_path, "server-frozen", wanted=3, FOR="1s")
    assert (code, document["drill"]["outcome"]) == (3, "not recovered")
    assert document["reasons"][1] == "it did not heal: server was still frozen"
