"""The metrics: pinned names, gauges that add up, and the lag of a loop."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from time import monotonic

from prometheus_client.parser import text_string_to_metric_families

from server.monitoring.counters import CLOSE_REASONS, Board, SharedBoard
from server.monitoring.metrics import ServerCollector, exposition


def samples(board: Board, waiting: int | None = 0, processes: int = 0) -> dict[str, float]:
    about = {"model": "select", "framing": "line", "app": "echo"}
    collector = ServerCollector(board, 1000, lambda: waiting, about, processes)
    text = exposition(collector)().decode()
    return {
        "".join([sample.name, *(f"{{{key}={value}}}" for key, value in sample.labels.items())]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_pinned_names_are_there() -> None:
    names = samples(Board()).keys()
    assert {
        "holdfast_server_connections",
        "holdfast_server_accepted_total",
        "holdfast_server_refused_total",
        "holdfast_server_messages_total",
        "holdfast_server_replies_total",
        "holdfast_server_bytes_total{direction=in}",
        "holdfast_server_bytes_total{direction=out}",
        "holdfast_server_loop_lag_seconds",
        "holdfast_server_loop_turns_total",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
    } <= names
    assert {f"holdfast_server_closed_total{{reason={reason}}}" for reason in CLOSE_REASONS} <= names


def test_the_counters_are_shown_and_the_gauge_is_their_difference() -> None:
    board = SharedBoard()
    counters = board.row(0)
    counters.accepted, counters.refused, counters.messages, counters.replies = 10, 3, 50, 49
    counters.bytes_in, counters.bytes_out, counters.turns = 500, 490, 60
    counters.closed["client"], counters.closed["too-long"] = 3, 1
    counters.log_dropped = 7
    found = samples(board)
    assert found["holdfast_server_connections"] == 6
    assert found["holdfast_server_accepted_total"] == 10
    assert found["holdfast_server_closed_total{reason=client}"] == 3
    assert found["holdfast_server_refused_total"] == 3
    assert found["holdfast_server_replies_total"] == 49
    assert found["holdfast_server_bytes_total{direction=out}"] == 490
    assert found["holdfast_server_max_connections"] == 1000
    assert found["holdfast_server_log_dropped_total"] == 7


def test_the_backlog_is_shown_if_the_kernel_reports_it() -> None:
    assert samples(Board(), 3)["holdfast_server_backlog"] == 3
    assert "holdfast_server_backlog" not in samples(Board(), None)


def test_the_info_metric_has_model_framing_and_app() -> None:
    assert samples(Board())["holdfast_server_info{app=echo}{framing=line}{model=select}"] == 1


def test_a_single_process_has_no_figures_per_process() -> None:
    found = samples(Board())
    assert found["holdfast_server_processes"] == found["holdfast_server_processes_wanted"] == 1
    assert found["holdfast_server_respawns_total"] == 0
    assert not any(name.startswith("holdfast_server_process_") for name in found)


def test_processes_are_summed_with_ended_ones_and_shown_one_by_one() -> None:
    board = SharedBoard()
    board.row(0).accepted, board.row(0).closed["lost"] = 7, 7
    for number, held in ((1, 4), (2, 5)):
        row = board.row(number)
        row.pid, row.accepted, row.messages, row.bytes_in = os.getpid(), held + 1, 10 * held, 100
        row.closed["client"] = 1
    board.row(3).accepted = 1  # A process that does not run now.
    board.row(2).lag.turn_started(monotonic() - 5)
    board.respawns = 2
    found = samples(board, processes=3)
    assert found["holdfast_server_accepted_total"] == 7 + 5 + 6 + 1
    assert found["holdfast_server_connections"] == 4 + 5 + 1
    assert found["holdfast_server_closed_total{reason=lost}"] == 7
    assert found["holdfast_server_loop_lag_seconds"] >= 5
    assert found["holdfast_server_processes"] == 2
    assert found["holdfast_server_processes_wanted"] == 3
    assert found["holdfast_server_respawns_total"] == 2
    of_each = {name: value for name, value in found.items() if "{process=" in name}
    assert of_each["holdfast_server_process_connections{process=0}"] == 4
    assert of_each["holdfast_server_process_connections{process=1}"] == 5
    assert of_each["holdfast_server_process_messages_total{process=1}"] == 50
    assert of_each["holdfast_server_process_closed_total{process=0}{reason=client}"] == 1
    assert of_each["holdfast_server_process_bytes_total{direction=in}{process=1}"] == 100
    assert of_each["holdfast_server_process_loop_lag_seconds{process=1}"] >= 5
    assert of_each["holdfast_server_process_pid{process=0}"] == os.getpid()
    assert of_each["holdfast_server_process_memory_bytes{process=0}"] > 1_000_000
    assert of_each["holdfast_server_process_cpu_seconds_total{process=0}"] > 0
    assert not any("{process=2}" in name for name in of_each)


def test_the_process_metrics_are_those_of_the_given_pid() -> None:
    def pid_shown(pid: int | None) -> bool:
        text = exposition(ServerCollector(Board(), 1000, lambda: None, {}), pid)().decode()
        started = next(line for line in text.splitlines() if line.startswith("process_virtual_memory_bytes "))
        pages = int(Path(f"/proc/{os.getppid()}/statm").read_text().split()[0])
        return float(started.split()[1]) == pages * resource.getpagesize()

    assert pid_shown(os.getppid())
    assert not pid_shown(None)
