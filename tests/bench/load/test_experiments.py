import json
from pathlib import Path
from typing import Any

import pytest

from bench import settings
from bench.load import contenders, experiments
from bench.load.contenders import CONTENDERS, FLOOR, SESSION, RunningGenerator
from bench.load.experiments import LoadBench, failures, spread, verdict
from lab.errors import LabError
from tests.support import slow_echo


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoadBench:
    monkeypatch.setattr(experiments, "SETTLE_S", 0.5)
    chosen = settings.read_load({"CONNECTIONS": "20", "WINDOW": "1s", "RATE": "20"}, {})
    return LoadBench(chosen, slow_echo.program(), tmp_path)


def test_a_workload_lasts_for_its_ramp_and_its_seconds(bench: LoadBench) -> None:
    workload = bench.workload(4000, 20, 1.0, 4.5)
    assert (workload.rate, workload.seconds, workload.target) == (20, 6, "tcp://127.0.0.1:4000")


def test_spread_of_whole_tenths_of_a_second() -> None:
    bins = [10] * 10 + [12] * 10 + [8] * 10 + [10] * 5
    found = spread([*bins, 0, 0, 0], 1000.0)
    assert found["tenths"] == [100, 120, 80]
    assert found["worst_pct"] == pytest.approx(20.0)
    assert (found["lowest"], found["highest"]) == (80, 120)


def test_spread_of_too_few_bins() -> None:
    assert spread([5] * 7, 1000.0) == {"tenths": [], "worst_pct": None, "lowest": None, "highest": None}
    assert spread([], 1000.0)["tenths"] == []


def test_spread_counts_a_gap() -> None:
    assert spread([100] + [0] * 19 + [1], 1000.0)["worst_pct"] == pytest.approx(100.0)


def _document(**change: Any) -> dict[str, Any]:
    return {
        "messages": {"wrong": 0, "answered": 5, **change.pop("messages", {})},
        "connections": {"failed": {}, "dropped": {}, **change},
        "reasons": ["because"],
    }


def test_verdict_failures_are_counted_by_name() -> None:
    assert failures(_document()) == {}
    found = failures(_document(failed={"refused": 2}, dropped={"reset": 1}, messages={"wrong": 3}))
    assert found == {"wrong": 3, "refused": 2, "dropped: reset": 1}


def test_failed_run_gives_no_figure(tmp_path: Path) -> None:
    run = RunningGenerator("session", tmp_path)
    with pytest.raises(LabError, match=r"session: it wrote no verdict\.json"):
        verdict(run)
    (tmp_path / "verdict.json").write_text(json.dumps(_document(failed={"refused": 2})))
    with pytest.raises(LabError, match=r"failures: \{'refused': 2\}"):
        verdict(run)
    (tmp_path / "verdict.json").write_text(json.dumps(_document()))
    assert verdict(run)["messages"]["answered"] == 5


@pytest.mark.parametrize("name", [SESSION, FLOOR])
def test_small_hold_gives_figures(bench: LoadBench, name: str) -> None:
    found = experiments.hold(bench, CONTENDERS[name], bench.folder / "trial")
    assert found["base_kb"] > 1000
    assert found["messages"] > 0
    assert {"kb", "us", "per_s", "stolen", "ramp_s", "silent_ramp_ms", "silent_held_ms"} <= set(found)
    if name == SESSION:
        assert found["lag_ramp_ms"] >= 0
        assert {"lag_held_ms", "lag_end_ms", "silent_end_ms"} <= set(found)


def test_small_closed_loop_gives_figures(bench: LoadBench) -> None:
    found = experiments.closed(bench, CONTENDERS[SESSION], bench.folder / "trial")
    assert found["messages"] > 0
    assert found["us"] == pytest.approx(found["cpu_s"] * 1e6 / found["messages"], rel=0.01)


def test_few_arrivals_give_figures(bench: LoadBench) -> None:
    found = experiments.arrivals(bench, CONTENDERS[SESSION], bench.folder / "trial")
    assert (found["accepted"], found["failed"]) == (30, 0)
    assert 0 < sum(found["tenths"]) <= 30


def test_generator_that_ends_early_is_an_error(bench: LoadBench) -> None:
    def short(run: RunningGenerator, workload: contenders.Workload) -> None:
        process = run.start("short", ["sleep", "0.1"], {})
        run.pid, run.base_kb = process.pid, 1

    with pytest.raises(LabError, match=r"short: 20 connections: short ended with 0; 0 were accepted, 0 closed"):
        experiments.closed(bench, contenders.Generator("short", "short", short), bench.folder / "trial")
