"""The ledger of real runs with a server or worker that fails.

MAX_FAILURES is off in most of them, so that the ledger alone decides what is not known, and MIN_HELD in all: on a busy
machine the steady window begins before all are held. Where the ledger is the question, a machine too busy for a verdict
is no failure.
"""

import csv
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rawsocket.master.server_counts import AT_END, RESTARTED
from rawsocket.verdict.ledger import NO_COUNTERS
from tests.support.busy_machine import retry_on_busy_machine
from tests.support.hlogs import read
from tests.support.locust_fleet import SOON, LocustFleet, locust_fleet
from tests.support.many_processes import of_each
from tests.support.server_process import ServerProcess, running_server

RUN = {"HEADLESS": "true", "USERS": 40, "RATE": 40, "TIME": "8s", "EVERY": 0.1, "TIMEOUT": 2}
RUN |= {"MAX_P99_MS": 0, "MIN_HELD": 0}
UNJUDGED = {"MAX_FAILURES": -1}
STALLED = {"TIMEOUT": 30, **UNJUDGED}


def _row(verdict: dict[str, Any], what: str) -> dict[str, Any]:
    (row,) = [row for row in verdict["ledger"]["rows"] if row["what"] == what]
    return row


@contextmanager
def _run(folder: Path, server: ServerProcess, **more: Any) -> Iterator[LocustFleet]:
    """A run that holds all its connections when the block starts."""
    with locust_fleet(folder, server, **{**RUN, **more}) as fleet:
        fleet.wait(lambda state: state["held"] == RUN["USERS"])
        yield fleet


@retry_on_busy_machine
@pytest.mark.parametrize(("scenario", "model"), [("hold", "epoll"), ("churn", "select")])
def test_run_of_two_workers_is_reconciled(tmp_path: Path, scenario: str, model: str) -> None:
    with (
        running_server("--app", "echo", "--model", model) as server,
        locust_fleet(tmp_path, server, **{**RUN, "SCENARIO": scenario}) as fleet,
    ):
        fleet.ends_with(0, or_doubted=True)
    verdict = fleet.verdict()
    ledger = verdict["ledger"]
    assert (ledger["reconciled"], ledger["unknown"]) == (True, [])
    assert {row["unexplained"] for row in ledger["rows"]} == {0}
    assert _row(verdict, "messages")["server"] == verdict["messages"]["sent"] > 1000
    assert len(ledger["workers"]) == 2
    assert sum(worker["messages"]["sent"] for worker in ledger["workers"]) == verdict["messages"]["sent"]


def test_second_run_on_a_server_counts_from_its_own_start(tmp_path: Path) -> None:
    with running_server("--app", "echo") as server, locust_fleet(tmp_path, server, EVERY=0.1) as fleet:
        fleet.wait(lambda state: len(state["workers"]) == 2)
        for users in (10, 20):
            fleet.page.swarm(users, 100)
            fleet.wait(lambda state, users=users: state["held"] == users)
            fleet.page.post("/stop")
            fleet.wait(lambda state: state["state"] == "stopped")
            verdict = fleet.verdict()
            assert verdict["ledger"]["reconciled"] is True, verdict["reasons"]
            assert _row(verdict, "connections opened")["server"] == users


@retry_on_busy_machine
def test_ledger_has_a_row_for_connections_in_the_backlog(tmp_path: Path) -> None:
    with (
        running_server("--app", "echo", "--model", "sync") as server,
        locust_fleet(tmp_path, server, **{**RUN, "USERS": 8, "RATE": 8, "EVERY": 0}) as fleet,
    ):
        fleet.ends_with(0, or_doubted=True)
    verdict = fleet.verdict()
    held = _row(verdict, "held when stop was asked")
    assert (held["clients"], held["server"], held["explained"]) == (8, 1, {"backlog": 7})
    assert _row(verdict, "in the backlog then")["server"] == 7
    assert verdict["ledger"]["reconciled"] is True


@retry_on_busy_machine
def test_run_with_refused_connections_is_reconciled(tmp_path: Path) -> None:
    with (
        running_server("--app", "echo", "--max-connections", "30") as server,
        locust_fleet(tmp_path, server, **{**RUN, **UNJUDGED}) as fleet,
    ):
        fleet.ends_with(0, or_doubted=True)
    verdict = fleet.verdict()
    refused = _row(verdict, "connections refused")
    assert (verdict["ledger"]["reconciled"], refused["unexplained"]) == (True, 0)
    assert refused["server"] >= 10


def test_killed_worker_makes_every_row_unknown(tmp_path: Path) -> None:
    with running_server("--app", "echo") as server, _run(tmp_path, server, lost_after_s=SOON, TIME="14s") as fleet:
        fleet.workers[0].send_signal(signal.SIGKILL)
        assert fleet.exit_code() == 4, fleet.out() + fleet.err()[-4000:]
    verdict = fleet.verdict()
    ledger = verdict["ledger"]
    assert (verdict["verdict"], ledger["reconciled"]) == ("unknown", None)
    assert {row["status"] for row in ledger["rows"]} == {"unknown"}
    (said,) = ledger["unknown"]
    assert "what became of the 20 connections that it held" in said
    assert sorted(worker["lost"] for worker in ledger["workers"]) == [False, True]
    assert said in (fleet.runs / "summary.md").read_text()


def test_run_with_a_server_stalled_to_the_end_is_unknown(tmp_path: Path) -> None:
    """The stall lasts to the end of the run: no message has timed out, and waiting messages are not judged."""
    with running_server("--app", "echo") as server, _run(tmp_path, server, **STALLED) as fleet:
        fleet.wait(lambda state: state["elapsed_s"] > 3)
        server.signal(signal.SIGSTOP)
        began = time.monotonic()
        assert fleet.exit_code() == 4, fleet.out() + fleet.err()[-4000:]
        assert time.monotonic() - began < 40
        server.signal(signal.SIGCONT)
    verdict = fleet.verdict()
    assert AT_END in verdict["reasons"]
    assert (verdict["ledger"]["reconciled"], verdict["ledger"]["unknown"]) == (None, [AT_END])
    assert _row(verdict, "messages")["status"] == "unknown"
    assert _row(verdict, "messages sent")["status"] == "ok"  # the clients know the outcome of each


@retry_on_busy_machine
def test_run_with_a_server_frozen_to_the_end_fails_by_missing_replies(tmp_path: Path) -> None:
    """No message has failed by then; p99 and the missing replies show the delay that a caller experiences."""
    judged = {"TIME": "9s", "TIMEOUT": 30, "MAX_P99_MS": 1000}
    with running_server("--app", "echo") as server, _run(tmp_path, server, **judged) as fleet:
        fleet.wait(lambda state: state["elapsed_s"] > 3.5)
        server.signal(signal.SIGSTOP)
        fleet.ends_with(3)
        server.signal(signal.SIGCONT)
    verdict = fleet.verdict()
    messages, due = verdict["messages"], verdict["latency_ms"]["from_due"]
    assert (verdict["verdict"], verdict["connections"]["dropped"]) == ("fail", {})
    ended = (
        messages["unanswered"] + messages["unsent"]["stopped"]
    )  # includes messages that became due while the users stopped
    assert 400 < messages["missing"] == messages["waiting"] <= ended
    assert messages["oldest_waiting_s"] > 1
    assert due["p99"] > 1000
    assert due["max"] == pytest.approx(messages["oldest_waiting_s"] * 1000, rel=0.001)
    assert due["max"] > verdict["latency_ms"]["from_sent"]["max"]
    (failures,) = [check for check in verdict["thresholds"] if check["name"] == "max_failures"]
    assert (failures["actual"], failures["ok"]) == (messages["missing"], False)
    assert verdict["cause"]["name"] == "server-silent"
    assert any("still waited for a reply when stop was asked" in reason for reason in verdict["reasons"])
    assert fleet.said().count(AT_END) == 1  # among the reasons, and not repeated in the ledger
    logged = read(fleet.runs / "latency.hlog")
    assert logged["from-due"].get_total_count() == messages["answered"] + messages["waiting"]
    assert logged["from-sent"].get_total_count() == messages["answered"]
    with (fleet.runs / "timeline.csv").open() as file:
        assert max(float(row["p99_ms"] or 0) for row in csv.DictReader(file)) > 1000


@retry_on_busy_machine
def test_run_is_reconciled_after_a_stall_of_two_seconds(tmp_path: Path) -> None:
    with running_server("--app", "echo") as server, _run(tmp_path, server, TIMEOUT=30) as fleet:
        server.signal(signal.SIGSTOP)
        time.sleep(2)  # the stall itself
        server.signal(signal.SIGCONT)
        fleet.ends_with(0, or_doubted=True)
    verdict = fleet.verdict()
    assert verdict["ledger"]["reconciled"] is True
    assert _row(verdict, "messages")["difference"] == 0


@retry_on_busy_machine
def test_master_waits_for_a_server_stalled_at_the_end_of_the_run(tmp_path: Path) -> None:
    """The server resumes after the clients have closed, and counts their connections as closed."""
    with running_server("--app", "echo") as server, _run(tmp_path, server, **STALLED) as fleet:
        fleet.wait(lambda state: state["elapsed_s"] > 3)
        server.signal(signal.SIGSTOP)
        fleet.wait(lambda state: state["held"] == 0)
        server.signal(signal.SIGCONT)
        fleet.ends_with(0, or_doubted=True)
    verdict = fleet.verdict()
    assert verdict["ledger"]["reconciled"] is True, verdict["reasons"]
    assert _row(verdict, "connections closed")["server"] == 40
    assert _row(verdict, "replies")["explained"].keys() <= {"client"}


@retry_on_busy_machine
def test_run_with_a_killed_server_fails_by_lost_connections(tmp_path: Path) -> None:
    with running_server("--app", "echo") as server, _run(tmp_path, server) as fleet:
        server.signal(signal.SIGKILL)
        fleet.ends_with(3)
    verdict = fleet.verdict()
    assert AT_END in verdict["reasons"]
    assert verdict["ledger"]["reconciled"] is None
    assert _row(verdict, "connections made")["explained"].keys() <= {"closed", "reset"}
    assert verdict["cause"]["name"] == "server-gone"


@retry_on_busy_machine
def test_run_with_a_killed_server_process_is_reconciled(tmp_path: Path) -> None:
    """The counts of the killed process are kept, and so is the number of its lost connections."""
    with (
        running_server("--app", "echo", "--processes", "2") as server,
        _run(tmp_path, server, TIMEOUT=30, **UNJUDGED) as fleet,
    ):
        metrics = server.wait_for_metrics(lambda metrics: sum(of_each(metrics, "connections").values()) == 40)
        lost = of_each(metrics, "connections")[1]
        os.kill(int(of_each(metrics, "pid")[1]), signal.SIGKILL)
        fleet.ends_with(0, or_doubted=True)
    verdict = fleet.verdict()
    assert verdict["ledger"]["reconciled"] is True, verdict["reasons"]
    counted = verdict["server"]
    assert (counted["respawns_total"], counted["closed_total"]["lost"]) == (1, lost)
    assert lost == pytest.approx(20, abs=5)  # even shares, unless a process was delayed while they arrived
    assert _row(verdict, "connections made")["explained"].keys() <= {"client", "closed", "reset"}
    assert _row(verdict, "connections closed")["server"] == 40 + lost
    assert f"2 of 2 serving, 1 respawned ({lost:.0f} connections lost)" in (fleet.runs / "summary.md").read_text()


@retry_on_busy_machine
@pytest.mark.parametrize(("judged", "code"), [({}, 3), (UNJUDGED, 4)])
def test_server_restart_makes_a_run_unknown_unless_it_fails(tmp_path: Path, judged: dict[str, Any], code: int) -> None:
    with running_server("--app", "echo") as first, _run(tmp_path, first, TIME="10s", **judged) as fleet:
        port, admin = str(first.port), str(first.admin_port)
        first.signal(signal.SIGKILL)
        first.exit_code()
        with running_server("--app", "echo", "--port", port, "--admin-port", admin):
            fleet.ends_with(code)
    verdict = fleet.verdict()
    assert RESTARTED in verdict["reasons"]
    assert (verdict["ledger"]["reconciled"], verdict["ledger"]["unknown"]) == (None, [RESTARTED])
    assert verdict["cause"]["name"] == "server-restarted"


@retry_on_busy_machine
def test_run_against_a_target_without_counters_passes(tmp_path: Path) -> None:
    with (
        running_server("--app", "echo") as server,
        locust_fleet(
            tmp_path, server, **{**RUN, "HOLDFAST_SERVER_ADMIN": ""}, TARGET=f"tcp://127.0.0.1:{server.port}"
        ) as fleet,
    ):
        fleet.ends_with(0, or_doubted=True)
    verdict = fleet.verdict()
    ledger = verdict["ledger"]
    assert (ledger["reconciled"], {row["server"] for row in ledger["rows"]}) == (None, {None})
    assert ledger["unknown"] == [NO_COUNTERS]
    assert NO_COUNTERS not in verdict["reasons"]
