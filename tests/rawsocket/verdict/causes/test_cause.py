import dataclasses
from typing import Any

import pytest

from rawsocket.measurement.report import Connections, Counts, ScenarioError
from rawsocket.verdict.causes.cause import CAUSES, Cause, cause
from rawsocket.verdict.judge import Check, Figures, Levels
from rawsocket.verdict.observed import Facts, LabFact, Observed, Silence
from rawsocket.verdict.saturation import WorkerFigures

WORKERS = (WorkerFigures("x", cpu_share=0.3, name="worker 1"), WorkerFigures("y", cpu_share=0.3, name="worker 2"))
GOOD = Figures(attempted=60, steady_s=20.0, held_min=60, workers_wanted=2, workers=WORKERS)
FAILED = Check("max_failures", 0, 9, False)
LATE = Check("max_p99_ms", 1000, 1534.2, False)


def _figures(**changes: Any) -> Figures:
    return dataclasses.replace(GOOD, **changes)


def _counts(connected: int = 60, failed: dict[str, int] | None = None, dropped: dict[str, int] | None = None) -> Counts:
    return Counts(connections=Connections(connected=connected, failed=failed or {}, dropped=dropped or {}))


def _facts(figures: Figures = GOOD, **more: Any) -> Facts:
    return Facts(figures, **{"counts": _counts(), "target": "tcp://db:7", "wanted": 60, "at_stop_s": 30.0, **more})


FULL = {"server-full": 3591}
GONE = {"counts": _counts(60, {"refused": 132}, {"reset": 60}), "held_at_stop": 0}
KILLED = LabFact("worker-2", "a worker was killed for lack of memory", "out-of-memory")
SIGKILLED = LabFact("worker-2", "it was killed (SIGKILL), by hand or for lack of memory")
SERVER = LabFact("server", "it exited with 1", log="MemoryError")
RAISED = ScenarioError("KeyError", "mine.py:9", "'token'", 586)
SATURATED = (WORKERS[0], dataclasses.replace(WORKERS[1], cpu_share=0.97))
LOST = (WORKERS[0], dataclasses.replace(WORKERS[1], lost="it went missing"))

CASES: list[tuple[str, Facts, str]] = [
    ("interrupted", _facts(_figures(interrupted=True), at_stop_s=0.0), "The run was interrupted before its end"),
    (
        "interrupted",
        _facts(_figures(interrupted=True), at_stop_s=7.12, time_s=14.0),
        "The run was interrupted after 7.1 s of 14 s",
    ),
    ("task-died", _facts(_figures(run_faults=("the task 'clock' died: x",))), "The task 'clock' died: x"),
    (
        "scenario",
        _facts(_figures(scenario_errors=(RAISED,))),
        "The scenario raised KeyError 586 times, first at mine.py:9: 'token'",
    ),
    (
        "out-of-memory",
        _facts(_figures(workers=LOST), lab=(KILLED,)),
        "A worker was killed for lack of memory",
    ),
    ("no-workers", _facts(_figures(workers=())), "No worker came"),
    ("no-workers", _facts(_figures(workers=WORKERS[:1])), "Only 1 of 2 workers came"),
    (
        "refused-setting",
        _facts(_figures(attempted=0), notes=["the file has no row for user 9"]),
        "The file has no row for user 9",
    ),
    ("worker-lost", _facts(_figures(workers=LOST)), "Worker 2 was lost: it went missing"),
    (
        "worker-lost",
        _facts(_figures(workers=LOST), lab=(SIGKILLED,)),
        "Worker 2 was killed (SIGKILL), by hand or for lack of memory",
    ),
    (
        "tutorial-1024",
        _facts(model="tutorial", counts=_counts(1229, {"refused": 4871}, {"closed": 1025}), held_at_stop=2),
        "The tutorial's server crashed: select can't watch descriptor 1,024",
    ),
    (
        "server-restarted",
        _facts(observed=Observed(restarted_at_s=12.0), lab=(SERVER,)),
        "The server was restarted 12 s after the start: it exited with 1 (MemoryError)",
    ),
    (
        "server-gone",
        _facts(observed=Observed(server_lost_at_s=4.25), **GONE),
        "The server ended 4.2 s after the start: 60 connections lost, then connects were refused",
    ),
    (
        "server-gone",
        _facts(observed=Observed(server_lost_at_s=4.25), lab=(SERVER,), **GONE),
        "The server exited with 1 4.2 s after the start (MemoryError): 60 connections lost, then connects were refused",
    ),
    (
        "process-lost",
        _facts(observed=Observed(processes_lost=1, connections_lost=30)),
        "1 process of the server ended and was replaced: 30 connections cut",
    ),
    (
        "wrong-replies",
        _facts(_figures(wrong=85, example="b'x' in place of b'y'")),
        "85 replies did not match the message sent; for example, b'x' in place of b'y'",
    ),
    (
        "generator-limit",
        _facts(_figures(limited=7, limit_example="[Errno 99] Cannot assign requested address")),
        "The load generator's machine had no source port left (7 times)",
    ),
    ("nothing-measured", _facts(_figures(attempted=0)), "Nothing was measured: no connection was attempted"),
    ("too-short", _facts(_figures(steady_s=0.0)), "The run ended before 2 s after its ramp had passed"),
    (
        "generator-saturated",
        _facts(_figures(workers=SATURATED)),
        "The load generator was too slow on worker 2: its own work took all that it had (97% of a core)",
    ),
    (
        "unknown-name",
        _facts(counts=_counts(0, {"refused": 60}), examples={"refused": "db:7: the name can't be resolved: -2"}),
        "The name in tcp://db:7 is unknown",
    ),
    (
        "nothing-listening",
        _facts(counts=_counts(0, {"refused": 60}), examples={"refused": "connect: Connection refused"}),
        "Nothing listens at tcp://db:7: all 60 connects were refused",
    ),
    (
        "nothing-listening",
        _facts(counts=_counts(0, {"refused": 60}), examples={"refused": "connect: No route to host"}),
        "tcp://db:7 can't be reached: connect: No route to host",
    ),
    (
        "server-full",
        _facts(counts=_counts(1000, FULL), server={"max_connections": 1000}, peak=1000, checks=[FAILED]),
        "The server holds 1,000 connections (its cap) and refused 3,591 connects",
    ),
    (
        "server-full",
        _facts(counts=_counts(20, FULL), peak=20),
        "The server holds 20 connections and refused 3,591 connects",
    ),
    (
        "server-descriptors",
        _facts(_figures(failures=5), server={"accept_errors_total": 12}),
        "The server could not accept 12 times: it had no descriptor left",
    ),
    (
        "tls",
        _facts(counts=_counts(0, {"tls": 60}), examples={"tls": "certificate has expired"}),
        "TLS failed 60 times: certificate has expired",
    ),
    (
        "server-silent",
        _facts(_figures(missing=437, oldest_s=8.12)),
        "The server was silent for 8.1 s until the end, from 22 s on: 437 replies overdue",
    ),
    (
        "server-silent",
        _facts(observed=Observed(longest=Silence(6.7, 5.0, 60)), checks=[LATE]),
        "The server was silent for 5 s, from 6.7 s on: 60 replies overdue; p99 latency from due 1.53 s",
    ),
    (
        "silent-connections",
        _facts(_figures(silent_connections=3), checks=[Check("max_silent_connections", 0, 3, False)]),
        "No byte ever arrived on 3 connections: the server may not have accepted them",
    ),
    (
        "failures",
        _facts(counts=_counts(60, dropped={"closed": 8, "reset": 1}), checks=[FAILED]),
        "8 connections were closed by the server",
    ),
    (
        "level",
        _facts(_figures(levels=Levels((LATE,), missed=("late",), line="holds 500 users; at 600 users: late"))),
        "Holds 500 users; at 600 users: late",
    ),
    (
        "threshold",
        _facts(checks=[Check("min_held", 60, 60, True), LATE]),
        "The p99 latency from due was 1.53 s; at most 1 s was allowed",
    ),
    ("ledger", _facts(unexplained=["ledger, messages: 1 unexplained"]), "Ledger, messages: 1 unexplained"),
    ("ledger", _facts(ledger=["the server's counters are unknown"]), "The server's counters are unknown"),
    (
        "not-measured",
        _facts(checks=[Check("max_p99_ms", 1000, None, None)]),
        "P99 latency from due could not be measured",
    ),
]


@pytest.mark.parametrize(("name", "facts", "text"), CASES)
def test_each_cause_by_what_the_figures_know(name: str, facts: Facts, text: str) -> None:
    found = cause("fail", facts)
    assert found is not None
    assert (found.name, found.text) == (name, text)
    assert not found.remedy.endswith(".")


def test_each_row_of_the_table_has_a_case() -> None:
    assert [name for name, _ in CAUSES] == list(dict.fromkeys(name for name, _, _ in CASES))


@pytest.mark.parametrize("outcome", ["pass", "fail", "unknown"])
def test_run_that_passes_has_no_cause_whatever_was_seen(outcome: str) -> None:
    found = cause(outcome, _facts(counts=_counts(20, FULL)))
    assert (found is None) is (outcome == "pass")


def test_nothing_known_is_no_cause() -> None:
    assert cause("fail", _facts()) is None


@pytest.mark.parametrize(
    ("first", "others"),
    [
        # A crash explains broken replies, lost connections and late replies.
        ("server-gone", {**GONE, "checks": [FAILED, LATE]}),
        (
            "generator-saturated",
            {"figures": _figures(workers=SATURATED), "counts": _counts(20, FULL), "checks": [LATE]},
        ),
        ("wrong-replies", {"figures": _figures(wrong=1, workers=SATURATED)}),
        ("worker-lost", {"figures": _figures(wrong=1, workers=LOST), **GONE}),
        ("server-full", {"counts": _counts(20, FULL), "checks": [FAILED, LATE]}),
        ("scenario", {"figures": _figures(scenario_errors=(RAISED,), workers=LOST), **GONE}),
    ],
)
def test_cause_that_explains_more_comes_first(first: str, others: dict[str, Any]) -> None:
    found = cause("fail", _facts(**others))
    assert found is not None
    assert found.name == first


@pytest.mark.parametrize(("wanted", "model"), [(900, "MODEL=select"), (1100, "MODEL=epoll")])
def test_remedy_of_the_tutorials_crash_is_a_model_that_holds_what_was_wanted(wanted: int, model: str) -> None:
    counts = _counts(1029, {"refused": 4871}, {"closed": 1025})
    found = cause("fail", _facts(model="tutorial", counts=counts, held_at_stop=2, wanted=wanted))
    assert found is not None
    assert found.remedy.startswith(f"Set {model},")


def test_remedy_of_a_silence_says_when_it_was() -> None:
    found = cause("fail", _facts(observed=Observed(longest=Silence(9.0, 3.0, 60)), checks=[LATE]))
    assert found is not None
    assert found.remedy.startswith("Look at what the server did from 9 s to 12 s of the run")


def test_remedy_of_a_full_server() -> None:
    facts = _facts(counts=_counts(20, FULL), server={"max_connections": 20}, model="epoll", wanted=60)
    assert cause("fail", facts) == Cause(
        "server-full", "The server holds 20 connections (its cap) and refused 3,591 connects", "Set MAX_CONNECTIONS=60"
    )
