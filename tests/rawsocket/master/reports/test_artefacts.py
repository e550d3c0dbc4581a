import csv
import dataclasses
import errno
import json
import os
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rawsocket.master import run_info
from rawsocket.master.reports import artefacts
from rawsocket.master.timeline import COLUMNS
from rawsocket.measurement.overdue import Waiting
from rawsocket.measurement.report import RowReport, RowTimes, ScenarioError
from tests.support.controllers import ControllerBench, controller_bench
from tests.support.hlogs import read
from tests.support.pinned import ARTEFACTS
from tests.support.reports import once, report
from tests.support.runs import started

SHORT: dict[str, Any] = {"examples": {"short": "3 bytes"}}


def _csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_all_artefacts_are_complete_and_world_readable(bench: ControllerBench, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        artefacts.write(bench.controller)
    finally:
        os.umask(before)
    assert {path.name for path in (tmp_path / "runs").iterdir()} == ARTEFACTS
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "runs").iterdir()} == {0o644}
    assert json.loads((tmp_path / "runs/verdict.json").read_text()) == bench.controller.run.document


def test_runs_from_the_page_leave_a_folder_each_and_a_link_to_the_newest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = iter(["1-page", "2-page"])
    monkeypatch.setattr(run_info, "folder", lambda plan: str(tmp_path / next(names)))
    with controller_bench(monkeypatch, runs=str(tmp_path), run_folders=True) as bench:
        bench.add_worker("a")
        for name in ("1-page", "2-page"):
            bench.start()
            bench.second(held=5)
            bench.stop()
            artefacts.write(bench.controller)
            assert os.readlink(tmp_path / "latest") == name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1-page", "2-page", "latest"]
    assert (tmp_path / "1-page/verdict.json").exists()
    assert (tmp_path / "1-page/latency.hlog").exists()


def test_error_in_one_artefact_does_not_prevent_the_others(
    bench: ControllerBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artefacts, "junit", lambda document: 1 / 0)
    artefacts.write(bench.controller)
    written = {path.name for path in (tmp_path / "runs").iterdir()}
    assert "junit.xml" not in written
    assert {"verdict.json", "summary.md", "report.html"} <= written


def test_artefacts_that_a_full_disk_does_not_take_are_one_line_and_leave_no_rest(
    bench: ControllerBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text = Path.write_text

    def full(path: Path, text: str, **more: Any) -> int:
        if path.name.startswith(".report.html"):
            write_text(path, text[:100], **more)
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_text(path, text, **more)

    monkeypatch.setattr(Path, "write_text", full)
    runs = tmp_path / "runs"
    written = artefacts.write(bench.controller)
    assert written.line() == f"could not write report.html in {runs}: No space left on device"
    assert written.line(1) == f"{written.line()} (exit code 1)"
    assert (written.trouble, list(written.missing)) == ("No space left on device", ["report.html"])
    assert set(written.files) == ARTEFACTS
    assert "verdict.json" in {path.name for path in runs.iterdir()}
    assert not list(runs.glob(".*"))


def test_no_artefact_is_written_without_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with controller_bench(monkeypatch) as bench:
        artefacts.write(bench.controller)
    assert list(tmp_path.iterdir()) == []


def test_timeline_has_one_row_per_second(bench: ControllerBench) -> None:
    rows = _csv(artefacts.timeline(bench.controller.run.timeline))
    assert tuple(rows[0]) == COLUMNS
    assert [row["held"] for row in rows] == ["10"] * 6
    assert rows[0]["server_held"] == ""


def test_timeline_has_the_series_of_the_target_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch, target_metrics="http://app:9100/metrics#threads") as bench:
        bench.add_worker("a")
        bench.start()
        bench.second()
        monkeypatch.setattr(bench.controller.target_metrics, "values", lambda: {'threads{pool="a"}': 4.0})
        bench.second()
        rows = _csv(artefacts.timeline(bench.controller.run.timeline))
    assert tuple(rows[0]) == (*COLUMNS, 'threads{pool="a"}')
    assert [row['threads{pool="a"}'] for row in rows] == ["", "4.0"]


def test_figures_of_a_scenarios_own_have_a_row_and_are_in_no_sum() -> None:
    run = started("a")
    own = RowReport("MEASURED", "deal", 3, {"closed": 1}, times=RowTimes(due=[[700, 2]]))
    run.receive("a", replace(report(rows={"message": {37: 3}}), rows=[*report(rows={"message": {37: 3}}).rows, own]))
    rows = {row["name"]: row for row in _csv(artefacts.stats(run))}
    assert (rows["deal"]["type"], rows["deal"]["p50_ms"]) == ("MEASURED", "0.700")
    assert (rows["deal"]["requests"], rows["deal"]["failures"]) == ("3", "1")
    assert [rows["Aggregated"][name] for name in ("requests", "failures", "max_ms")] == ["3", "0", "0.037"]
    assert [tuple(row.values())[:4] for row in _csv(artefacts.failures(run))] == [("MEASURED", "deal", "closed", "1")]


def test_push_that_was_received_by_name_counts_once_in_the_sum() -> None:
    run = started("a")
    push = RowReport("TCP", "push", 3, bytes=30)
    news = RowReport("TCP", "news", 2, bytes=20, times=RowTimes(wait=[[700, 2]]), again=2, again_bytes=20)
    run.receive("a", replace(report(), rows=[push, news]))
    rows = {row["name"]: (row["requests"], row["bytes"]) for row in _csv(artefacts.stats(run))}
    assert rows == {"push": ("3", "30"), "news": ("2", "20"), "Aggregated": ("3", "30")}


def test_statistics_and_failures_sum_the_workers() -> None:
    run = started("a", "b")
    run.receive("a", report(held=2, failures={"closed": 1}, rows={"message": {37: 3}, "connect": {500: 2}}))
    run.receive("b", report(held=1, failures={"closed": 1, "short": 2}, rows={"message": {41: 1}}, **SHORT))
    rows = _csv(artefacts.stats(run))
    assert tuple(rows[0]) == (
        *("type", "name", "requests", "failures", "bytes", "p50_ms", "p95_ms", "p99_ms", "p99_9_ms", "max_ms"),
        *("sent_p50_ms", "sent_p99_ms", "sent_max_ms", "first_p50_ms", "first_p99_ms"),
        *("wait_p50_ms", "wait_p99_ms", "wait_max_ms"),
    )
    assert [row["name"] for row in rows] == ["connect", "message", "Aggregated"]
    message, total = rows[1], rows[2]
    assert (message["requests"], message["failures"], message["p50_ms"], message["max_ms"]) == (
        "8",
        "4",
        "0.037",
        "0.041",
    )
    assert (total["type"], total["requests"], total["failures"]) == ("", "10", "4")
    assert _csv(artefacts.failures(run)) == [
        {"type": "TCP", "name": "message", "failure": "closed", "count": "2", "example": ""},
        {"type": "TCP", "name": "message", "failure": "short", "count": "2", "example": "3 bytes"},
    ]


def test_statistics_are_from_due_with_columns_from_sent_at_the_end() -> None:
    run = started("a")
    rows = {"message": {300: 4}, "connect": {90: 2}}
    run.receive("a", report(rows=rows, due={"message": {1_900: 4}}, first={"message": {120: 4}}))
    connect, message, total = _csv(artefacts.stats(run))
    assert [message[name] for name in ("p50_ms", "sent_p50_ms", "sent_max_ms", "first_p99_ms")] == [
        "1.900",
        "0.300",
        "0.300",
        "0.120",
    ]
    assert [connect[name] for name in ("p50_ms", "sent_p50_ms", "first_p50_ms")] == ["0.090", "0.090", ""]
    assert [total[name] for name in ("p50_ms", "sent_p99_ms", "first_p50_ms")] == ["1.900", "0.300", "0.120"]


def test_log_statistics_and_verdict_agree(bench: ControllerBench, tmp_path: Path) -> None:
    artefacts.write(bench.controller)
    folder = tmp_path / "runs"
    logged = read(folder / "latency.hlog")
    total = _csv((folder / "stats.csv").read_text())[-1]
    latencies = json.loads((folder / "verdict.json").read_text())["latency_ms"]
    assert logged["from-due"].get_total_count() == 2 * 6 * 10  # two workers, six seconds, ten messages each
    for tag, column, kind in (("from-due", "p99_ms", "from_due"), ("first-byte", "first_p99_ms", "first_byte")):
        p99 = logged[tag].get_value_at_percentile(99.0) / 1000
        assert float(total[column]) == latencies[kind]["p99"] == p99


def test_log_statistics_and_timeline_include_overdue_messages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with controller_bench(monkeypatch, runs=str(tmp_path)) as bench:
        bench.add_worker("a")
        bench.start()
        for _ in range(6):
            bench.second(held=5)
        document = bench.stop(waiting=[Waiting("message", 3.0, once([3.0, 2.0]))])
        artefacts.write(bench.controller)
    assert read(tmp_path / "latency.hlog")["from-due"].get_total_count() == 6 * 10 + 2
    assert read(tmp_path / "latency.hlog")["from-sent"].get_total_count() == 6 * 10
    message = _csv((tmp_path / "stats.csv").read_text())[0]
    assert float(message["max_ms"]) == document["latency_ms"]["from_due"]["max"] == pytest.approx(3000, rel=0.001)
    assert message["sent_max_ms"] == "0.200"
    rows = _csv((tmp_path / "timeline.csv").read_text())
    assert float(rows[-1]["p99_ms"]) == pytest.approx(3000, rel=0.001)
    assert [row["p99_ms"] for row in rows[:-1]] == ["0.2"] * 6
    assert "| still waiting when stop was asked | 2, the oldest for 3.000 s |" in (tmp_path / "summary.md").read_text()


def test_statistics_of_a_run_without_reports() -> None:
    (total,) = _csv(artefacts.stats(started()))
    assert (total["name"], total["requests"], total["p50_ms"]) == ("Aggregated", "0", "")


def test_environment_has_versions_and_settings_but_no_secret(
    bench: ControllerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    text = json.dumps(artefacts.environment(bench.controller.plan, bench.controller.conclude(), {"topic": "news"}))
    assert "hunter2" not in text
    read = json.loads(text)
    assert read["versions"]["locust"] == "2.47.0"
    assert {"python", "gevent"} <= read["versions"].keys()
    assert {"kernel", "cpus", "descriptors"} <= read["machine"].keys()
    assert read["settings"]["scenario"] == "ho|ld"


def test_environment_has_the_options_of_the_run_and_not_those_that_the_form_has_replaced(
    bench: ControllerBench, tmp_path: Path
) -> None:
    controller = bench.controller
    controller.plan = dataclasses.replace(controller.plan, options={"timeout": 10.0}, runs=str(tmp_path))
    controller.environment.parsed_options.timeout = 0.5
    folder = Path(artefacts.write(controller).folder)
    assert json.loads((folder / "env.json").read_text())["settings"]["timeout"] == 0.5


TOKEN = ScenarioError("KeyError", "mine.py:9 in session()", "'token'", 586)


def test_exceptions_of_the_scenario_are_in_every_artefact(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch, workers=1) as bench:
        bench.add_worker("a")
        bench.start()
        for _ in range(6):
            bench.second(held=10)
        bench.controller.receive("a", dataclasses.replace(report(held=10), scenario_errors=[TOKEN]))
        bench.controller.on_test_stopping()
        bench.controller.receive("a", dataclasses.replace(report(final=True), scenario_errors=[TOKEN]))
        bench.controller.on_test_stop()
        document = bench.controller.conclude()
        assert (document["verdict"], document["exit_code"]) == ("unknown", 1)
        [error] = document["scenario_errors"]
        assert (error["type"], error["count"], error["where"]) == ("KeyError", 586, "mine.py:9 in session()")
        failed = _csv(artefacts.failures(bench.controller.run))
        assert failed == [
            {"type": "scenario", "name": "mine.py:9 in session()", "failure": "KeyError", "count": "586",
             "example": "'token'"}
        ]  # fmt: skip
        suite = ElementTree.fromstring(artefacts.junit(document).partition("\n")[2])
        assert suite.get("errors") == "2"
        assert [case.get("name") for case in suite][:2] == ["run", "scenario"]
        assert "raised KeyError 586 times" in artefacts.summary(document)
        assert bench.controller.run.failures_until_stop() == 0
