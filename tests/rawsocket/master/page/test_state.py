import json
from pathlib import Path

import pytest

from rawsocket.master.live.server_usage import ServerUsage, Usage
from rawsocket.master.page.state import artefacts, state, workers
from rawsocket.master.server_probe import ServerProbe
from rawsocket.verdict.drills.prediction import Marks
from tests.support.controllers import controller_bench
from tests.support.reports import report


def test_workers_have_lag_and_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        for worker in ("a", "b"):
            bench.add_worker(worker)
        bench.start()
        for second, worst in ((1.0, 70_001), (2.0, 3004)):
            lag = {"lags": [[800, 95], [3000, 5]], "worst_us": worst, "turns": second * 250, "steal_s": second / 4}
            bench.controller.receive("a", report(wall_s=second, cpu_s=second / 5, lag=lag))
        a, b = workers(bench.controller)
    assert (a["lag_p99_ms"], a["lag_max_ms"]) == (pytest.approx(3, rel=0.001), 70.001)
    assert (a["turns_s"], a["stolen_share"], a["throttled_share"]) == (250, 0.25, None)
    assert {b[name] for name in ("lag_p99_ms", "lag_max_ms", "turns_s", "stolen_share", "throttled_share")} == {None}


def test_workers_have_names_in_the_order_in_which_they_came(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        for worker in ("z", "a"):
            bench.controller.receive(worker, report())
            bench.add_worker(worker)
        bench.start()
        assert [(one["id"], one["name"]) for one in workers(bench.controller)] == [("a", "worker 2"), ("z", "worker 1")]


def test_connections_without_a_byte_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of live workers that are open, and those that have ended."""
    with controller_bench(monkeypatch) as bench:
        for worker in ("a", "b"):
            bench.add_worker(worker)
        bench.start()
        assert state(bench.controller)["silent_connections"] == 0
        bench.controller.receive("a", report(silent=3, connections={"unproven": 2}))
        bench.controller.receive("b", report(silent=4))
        assert state(bench.controller)["silent_connections"] == 9


SHARED = """holdfast_server_info{model="select"} 1.0
holdfast_server_connections 5.0
holdfast_server_max_connections 100.0
holdfast_server_processes_wanted 2.0
holdfast_server_respawns_total 1.0
holdfast_server_process_connections{process="0"} 3.0
holdfast_server_process_connections{process="1"} 2.0
"""


def test_state_has_the_processes_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        bench.controller.probe = ServerProbe("http://server:8687", lambda _: SHARED)
        before = state(bench.controller)
        bench.controller.probe.poll()
        after = state(bench.controller)
    assert (before["server"], before["server_processes"], before["server_held"]) == (None, [], None)
    assert after["server_processes"] == [{"process": 0, "held": 3}, {"process": 1, "held": 2}]
    assert (after["server"]["model"], after["server"]["respawns"], after["server_held"]) == ("select", 1, 5)
    assert (before["limits"]["cap"], after["limits"]["cap"]) == (None, 100)


def test_state_before_the_first_run_has_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        found = state(bench.controller)
    assert (found["run"]["id"], found["run"]["scenario"], found["run"]["users"]) == ("", "hold", 0)
    assert (found["limits"]["wanted"], found["steady"], found["verdict"]) == (None, None, None)
    assert set(found["now"].values()) == {None}


def test_figures_and_thresholds_of_a_run_that_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch, users=10) as bench:
        bench.add_worker("a")
        bench.runner.target_user_count = 10
        bench.start()
        for _ in range(6):
            bench.second(held=10, failures={"reset": 2})
        found = state(bench.controller)
    assert (found["held"], found["limits"]["wanted"], found["limits"]["p99_ms"]) == (10, 10, 1000)
    assert found["run"]["id"] != ""
    assert found["steady"] == [2.0, 6.0]
    assert (found["figures"]["held_min"], found["figures"]["failures"]) == (10, 2)
    assert found["figures"]["p99_ms"] == found["now"]["p99_ms"] == pytest.approx(0.2, rel=0.01)
    assert {check["name"]: (check["actual"], check["ok"]) for check in found["thresholds"]} == {
        "max_failures": (2, False),
        "max_p99_ms": (pytest.approx(0.2, rel=0.01), True),
    }


def test_figures_of_a_run_that_has_ended_are_those_of_its_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch, users=10) as bench:
        bench.add_worker("a")
        bench.start()
        for _ in range(6):
            bench.second(held=10)
        state(bench.controller)
        document = bench.stop()
        found = state(bench.controller)
    assert found["thresholds"] == document["thresholds"]
    assert found["figures"]["messages_s"] == document["messages"]["per_s"]
    assert found["figures"]["held_min"] == document["held"]["steady_min"] == 10
    assert found["run"]["length_s"] == 6.0
    assert found["verdict"]["reasons"] == list(document["reasons"])
    json.dumps(found)


def test_failures_have_their_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        bench.add_worker("a")
        bench.start()
        assert state(bench.controller)["figures"]["failure_kinds"] == ""
        failed = {"refused": 88, "closed": 40}
        bench.second(held=10, failures=failed)
        assert state(bench.controller)["figures"]["failure_kinds"] == "88 connects refused, 40 lost"
        bench.stop(failures=failed)
        assert state(bench.controller)["figures"]["failure_kinds"] == "88 connects refused, 40 lost"


def test_fault_of_a_drill_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        bench.add_worker("a")
        bench.start()
        run = bench.controller.run
        assert state(bench.controller)["drill"] is None
        run.drill.marks = Marks("x", "a fault", 5.0, injected=run.started_wall_s + 10.0)
        assert list(state(bench.controller)["drill"]) == [10.0, None]


def test_files_are_those_of_a_run_that_has_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("verdict.json", ".verdict.json.part"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "logs").mkdir()
    with controller_bench(monkeypatch, runs=str(tmp_path)) as bench:
        bench.add_worker("a")
        bench.start()
        assert artefacts(bench.controller) == []
        bench.stop()
        assert [path.name for path in artefacts(bench.controller) if path.suffix == ".json"] == ["verdict.json"]
        assert not {path.name for path in artefacts(bench.controller)} & {"logs", ".verdict.json.part"}


def test_files_are_in_the_folder_that_a_run_from_the_page_has_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "verdict.json").write_text("of another run")
    with controller_bench(monkeypatch, runs=str(tmp_path), run_folders=True) as bench:
        bench.add_worker("a")
        bench.start()
        bench.stop()
        own = bench.controller.run.log.folder
        assert own
        assert own.parent == tmp_path
        own.mkdir(exist_ok=True)
        (own / "report.html").write_text("of this run")
        assert own / "report.html" in artefacts(bench.controller)
        assert {path.parent for path in artefacts(bench.controller)} == {own}


def test_series_of_the_target_and_why_there_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch, target_metrics="http://app:9100/metrics?key=secret#threads") as bench:
        metrics = bench.controller.target_metrics
        bench.add_worker("a")
        bench.start()
        assert state(bench.controller)["target_metrics"]["series"] == []
        monkeypatch.setattr(metrics, "values", lambda: {"threads": 4.0})
        bench.second()
        metrics.error = "refused"
        assert state(bench.controller)["target_metrics"] == {
            "url": "http://app:9100/metrics",
            "error": "refused",
            "series": [{"name": "threads", "now": 4.0, "min": 4.0, "mean": 4.0, "max": 4.0}],
        }


def test_without_an_endpoint_there_are_no_series_of_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        assert state(bench.controller)["target_metrics"] is None


def test_server_without_counters_has_its_cpu_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        assert state(bench.controller)["server"] is None
        usage = ServerUsage(lambda: Usage("1", "noon", 1.0, 9_000_000), "engine", "SERVER_IMAGE=redis:7")
        bench.controller.probe = ServerProbe("", usage=usage)
        usage.poll()
        found = state(bench.controller)
    assert (found["server"]["name"], found["server"]["memory_bytes"]) == ("SERVER_IMAGE=redis:7", 9_000_000)
    assert (found["server_held"], found["server_processes"]) == (None, [])
