from pathlib import Path

import pytest

from bench import settings
from bench.load import echo_server, stall
from bench.load.contenders import CONTENDERS, SESSION, RunningGenerator
from bench.load.experiments import LoadBench
from bench.load.stall import compared, missing
from lab.errors import LabError


def test_latencies_are_compared_with_both_true_values() -> None:
    found = compared({"counted": 20_000, "p99_ms": 1818.0, "p99_9_ms": 1980.0}, 2.0, 100, drain_s=0.1)
    assert found["p99_at_once_ms"] == pytest.approx(1800)
    assert found["p99_at_once_off_pct"] == pytest.approx(1.0)
    assert found["p99_implied_ms"] == pytest.approx(2000 - 200 * 2 / 2.1)
    assert found["p99_9_at_once_off_pct"] == pytest.approx(0.0)
    assert abs(found["p99_implied_off_pct"]) < 0.6


COUNTS = {"due": 100, "sent": 97, "unsent": 3, "answered": 95, "unanswered": 2, "server_messages": 97}


@pytest.mark.parametrize(
    ("change", "expected"),
    [({}, 0), ({"unsent": 0}, 3), ({"answered": 90}, 5), ({"server_messages": 94}, 1), ({"server_messages": 95}, 0)],
)
def test_missing_counts_messages_without_an_outcome(change: dict[str, int], expected: int) -> None:
    assert missing(COUNTS | change) == expected


def test_missing_statistics_are_reported(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"locust_stats\.csv was not written"):
        stall._of_locust(RunningGenerator("typical", tmp_path), 100)


@pytest.mark.parametrize("name", [SESSION, "typical"])
def test_short_stall_gives_figures(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stall, "STALL_S", 0.3)
    monkeypatch.setattr(stall, "BEFORE_S", 1.0)
    monkeypatch.setattr(stall, "AFTER_S", 2.0)
    bench = LoadBench(settings.read_load({"CONNECTIONS": "5"}, {}), echo_server.program(), tmp_path)
    found = stall.small(bench, CONTENDERS[name], tmp_path / "trial")
    assert found["stall_s"] >= 0.3
    assert found["counted"] > 0
    assert found["server_messages"] > 0
    assert found["p99_9_implied_ms"] > 0
    if name == SESSION:
        assert missing(found) == 0
        assert found["p99_9_ms"] >= 250  # messages due in the stall are late on any machine
