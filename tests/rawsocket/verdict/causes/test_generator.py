"""Causes of a run that says nothing about the server."""

import pytest

from tests.support.known_facts import KILLED, LOST, RAISED, SATURATED, SIGKILLED, WORKERS, Case, check, known, measured

CASES: list[Case] = [
    ("interrupted", known(measured(interrupted=True), at_stop_s=0.0), "The run was interrupted before its end"),
    (
        "interrupted",
        known(measured(interrupted=True), at_stop_s=7.12, time_s=14.0),
        "The run was interrupted after 7.1 s of 14 s",
    ),
    ("task-died", known(measured(run_errors=("the task 'clock' died: x",))), "The task 'clock' died: x"),
    (
        "scenario",
        known(measured(scenario_errors=(RAISED,))),
        "The scenario raised KeyError 586 times, first at mine.py:9: 'token'",
    ),
    (
        "out-of-memory",
        known(measured(workers=LOST), lab=(KILLED,)),
        "A worker was killed for lack of memory",
    ),
    ("no-workers", known(measured(workers=())), "No worker came"),
    ("no-workers", known(measured(workers=WORKERS[:1])), "Only 1 of 2 workers came"),
    (
        "refused-setting",
        known(measured(attempted=0), notes=["the file has no row for user 9"]),
        "The file has no row for user 9",
    ),
    ("worker-lost", known(measured(workers=LOST)), "Worker 2 was lost: it went missing"),
    (
        "worker-lost",
        known(measured(workers=LOST), lab=(SIGKILLED,)),
        "Worker 2 was killed (SIGKILL), by hand or for lack of memory",
    ),
    (
        "generator-limit",
        known(measured(limited=7, limit_example="[Errno 99] Cannot assign requested address")),
        "The load generator's machine had no source port left (7 times)",
    ),
    ("nothing-measured", known(measured(attempted=0)), "Nothing was measured: no connection was attempted"),
    ("too-short", known(measured(steady_s=0.0)), "The run ended before 2 s after its ramp had passed"),
    (
        "generator-saturated",
        known(measured(workers=SATURATED)),
        "The load generator was too slow on worker 2: its own work took all that it had (97% of a core)",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_cause_by_what_the_figures_know(case: Case) -> None:
    check(case)
