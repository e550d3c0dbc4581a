import dataclasses
from pathlib import Path

import pytest

from rawsocket.settings.table import DEFAULT_LAG_LIMIT_MS
from rawsocket.verdict.saturation import Loop, WorkerFigures, doubt, loop_limit
from tests.support.locust_fleet import locust_fleet
from tests.support.server_process import running_server
from tests.support.starving import starved

SOUND = WorkerFigures(
    "w",
    cpu_share=0.3,
    lag_p99_ms=8.0,
    lag_max_ms=31.0,
    turns_s=900.0,
    stolen_share=0.02,
    late_cpu_share=0.8,
    cpus=2,
)


def worker(**changes: object) -> WorkerFigures:
    return dataclasses.replace(SOUND, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"lag_p99_ms": 50.0, "lag_max_ms": 900.0},  # late sometimes, and once for a long time
        {"cpu_share": 0.9},
        {"cpu_limit": 1.0, "throttled_share": 0.01},
        {"cpu_limit": 0.1, "throttled_share": 0.0},
        {"stolen_share": 0.59},  # 0.89 of a core taken together
        {"stolen_share": 6.4, "cpus": 64},  # 10 % of each CPU
        {"lag_p99_ms": None, "lag_max_ms": None, "stolen_share": None, "late_cpu_share": None, "cpus": None},
        {"lost": "it went missing", "cpu_share": 1.0, "lag_p99_ms": 900.0},  # a lost worker has its own reason
    ],
)
def test_sound_worker_gives_no_doubt(changes: dict[str, object]) -> None:
    assert doubt(worker(**changes)) == ""


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"cpu_share": 0.91}, ("91% of a core", "its own work took all", "raise WORKERS or EVERY, or lower USERS")),
        (
            {"lag_p99_ms": 50.1, "late_cpu_share": 0.5},
            ("lag p99 50.1 ms, worst 31 ms", "its own work came in bursts", "raise WORKERS or EVERY, or lower USERS"),
        ),
        ({"lag_p99_ms": 90.0, "late_cpu_share": 0.1}, ("lag p99 90.0 ms", "it was kept from running")),
        ({"lag_p99_ms": 90.0, "late_cpu_share": None}, ("it was kept from running",)),
        (
            {"cpu_limit": 0.25, "throttled_share": 0.4},
            ("its CPU limit of 0.25 cores (WORKER_CPUS) held it back for 40% of the time", "raise WORKER_CPUS"),
        ),
        ({"cpu_limit": 1.0, "throttled_share": 1.7}, ("held it back for 100% of the time",)),  # on two CPUs
        # Too little work to be throttled.
        (
            {"cpu_limit": 0.05, "throttled_share": 0.0, "cpu_share": 0.01, "lag_p99_ms": 1.0},
            ("its CPU limit of 0.05 cores (WORKER_CPUS) is below 0.1", "raise WORKER_CPUS"),
        ),
        ({"stolen_share": 0.61}, ("the host stole 61% of a core", "a host with CPU to spare")),
        ({"stolen_share": 1.5, "cpu_share": 0.02}, ("the host stole 150% of a core",)),
        ({"stolen_share": 0.25, "lag_p99_ms": 80.0}, ("lag p99 80.0 ms", "the host stole 25% of a core")),
        ({"stolen_share": 6.5, "cpus": 64}, ("the host stole 650% of a core",)),
    ],
)
def test_doubt_names_worker_evidence_cause_and_remedy(changes: dict[str, object], parts: tuple[str, ...]) -> None:
    said = doubt(worker(**changes))
    assert said.startswith("the generator was saturated on worker w (")
    assert all(part in said for part in parts), said


def test_lag_below_a_raised_limit_gives_no_doubt() -> None:
    late = worker(lag_p99_ms=DEFAULT_LAG_LIMIT_MS * 2)
    assert doubt(late)
    assert doubt(late, max_lag_ms=DEFAULT_LAG_LIMIT_MS * 3) == ""


def test_worker_with_too_few_reports_is_a_doubt() -> None:
    assert doubt(worker(cpu_share=None)).startswith("worker w reported too seldom")


def test_doubt_names_all_causes() -> None:
    said = doubt(worker(cpu_share=0.95, stolen_share=0.4, cpu_limit=1.0, throttled_share=0.3))
    assert all(part in said for part in ("WORKER_CPUS", "the host stole 40%", "its own work")), said


CLOSED = Loop(closed=True, occupancy=0.98, worker_share=0.4, server_share=0.3)


@pytest.mark.parametrize(
    ("changes", "limited"),
    [
        ({}, True),
        ({"server_share": 0.4}, False),
        ({"server_share": 0.99, "ready": 0.6}, True),
        ({"server_share": None}, False),
        ({"server_share": None, "ready": 0.5}, True),
        ({"server_share": None, "ready": 0.49}, False),
        ({"worker_share": None}, False),
        ({"closed": False}, False),
        ({"occupancy": 0.49}, False),
        ({"occupancy": None}, False),
    ],
)
def test_generator_is_the_limit_of_a_loop_with_a_faster_server(changes: dict[str, object], limited: bool) -> None:
    said = loop_limit(dataclasses.replace(CLOSED, **changes))  # type: ignore[arg-type]
    assert said.startswith("closed loop, the generator is the limit: ") if limited else said == ""


def test_nothing_is_said_of_a_loop_without_figures() -> None:
    assert loop_limit(Loop()) == ""


def test_steal_too_small_to_explain_the_lag_is_not_named() -> None:
    said = doubt(worker(stolen_share=0.1, lag_p99_ms=80.0, late_cpu_share=0.9))
    assert "host" not in said
    assert "bursts" in said


def test_run_with_a_starved_worker_is_unknown(tmp_path: Path) -> None:
    """The worker gets a twentieth of a core, and does its little work in time."""
    settings = {"HEADLESS": "true", "USERS": 2, "RATE": 2, "TIME": "12s", "MAX_LAG_MS": DEFAULT_LAG_LIMIT_MS}
    with running_server("--app", "echo") as server, locust_fleet(tmp_path, server, workers=1, **settings) as fleet:
        fleet.wait(lambda state: state["held"] == 2)
        with starved(fleet.workers[0]):
            assert fleet.exit_code() == 4
        (worker,) = fleet.verdict()["generator"]["workers"]
        reasons = fleet.verdict()["reasons"]
    assert f"the generator was saturated on {worker['name']}" in [reason.split(" (")[0] for reason in reasons]
    assert worker["lag_p99_ms"] > DEFAULT_LAG_LIMIT_MS
