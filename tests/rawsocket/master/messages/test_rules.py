import locust  # isort: skip  # patches the process before anything else is imported

import contextlib
from typing import Any

import pytest
from hypothesis import given
from locust import runners
from locust.env import Environment
from locust.rpc.protocol import Message

from rawsocket.identity import number_allocator
from rawsocket.master.messages import rules
from rawsocket.measurement.report import MOST, Limits, ReportError
from rawsocket.worker import agent
from tests.support.garbage import ANYTHING, KINDS, WELL_FORMED

ROW = {
    "name": "message", "method": "TCP", "last_request_timestamp": None, "start_time": 1.5, "num_requests": 3,
    "num_none_requests": 0, "num_failures": 0, "total_response_time": 4.5, "max_response_time": 2,
    "min_response_time": 0.25, "total_content_length": 60, "response_times": {0.25: 2, 2: 1},
    "num_reqs_per_sec": {1764300000: 3}, "num_fail_per_sec": {},
}  # fmt: skip
STATS = {"stats": [ROW], "stats_total": ROW, "errors": {}, "user_classes_count": {"Hold": 5}, "user_count": 5}


def test_states_are_those_of_the_pinned_locust_release() -> None:
    known = {value for name, value in vars(runners).items() if name.startswith("STATE_")}
    assert known - {runners.STATE_MISSING} == rules.STATES


def test_messages_are_those_that_our_workers_send() -> None:
    ours = {agent.FINAL, agent.STOPPING, agent.LIMITS, agent.REFUSED, agent.FAULT, number_allocator.WANT}
    assert set(rules.OURS) == ours
    assert set(rules.LOCUSTS) >= rules.FROM_ANYONE


def test_statistics_of_the_pinned_locust_release_are_accepted() -> None:
    """Those that a worker's own listeners put into a report, after a round trip on the wire."""
    environment = Environment(user_classes=[locust.User])
    runner = environment.create_local_runner()
    try:
        environment.stats.log_request("TCP", "message", 0.25, 20)
        environment.stats.log_request("TCP", "message", None, 20)
        environment.stats.log_error("TCP", "message", ValueError("x"))
        data: dict[str, Any] = {"user_classes_count": {"User": 5}, "user_count": 5}
        runners.setup_distributed_stats_event_listeners(environment.events, environment.stats)
        environment.events.report_to_master.fire(client_id="a", data=data)
        sent = Message.unserialize(Message("stats", data, "a").serialize())
        rules.check("stats", sent.data)
        assert sent.data["stats"]
        assert sent.data["errors"]
    finally:
        runner.quit()


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("client_ready", "2.47.0"),
        ("client_ready", -1),
        ("client_stopped", None),
        ("heartbeat", {"state": "running", "current_cpu_usage": 99.5, "current_memory_usage": 1}),
        ("heartbeat", {"state": "ready", "current_cpu_usage": 0}),
        ("logs", {"worker_id": "a", "logs": ["x"]}),
        ("stats", STATS),
        ("stats", {**STATS, "more": 1}),
        ("exception", {"msg": "x", "traceback": "y"}),
        ("locustfile", {"version": "2.47.0"}),
        (agent.LIMITS, Limits(100, 28_000, 1 << 50).to_wire()),
        (number_allocator.WANT, {"run": 1, "want": 3, "back": [1, 2]}),
        (agent.REFUSED, {"message": "no"}),
        ("of the scenario", object()),
    ],
)
def test_message_is_accepted(kind: str, data: Any) -> None:
    rules.check(kind, data)


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("client_ready", None, "client_ready must be a version"),
        ("heartbeat", {"state": "missing", "current_cpu_usage": 1}, "state must be one of cleanup, ready,"),
        ("heartbeat", {"state": ["ready"], "current_cpu_usage": 1}, "state must be one of"),
        ("heartbeat", {"state": "ready", "current_cpu_usage": "1"}, "current_cpu_usage must be a finite number"),
        ("logs", {"worker_id": {}, "logs": []}, "logs.worker_id must be a text"),
        ("logs", {"worker_id": "a", "logs": "x"}, "logs.logs must be a list"),
        ("stats", {**STATS, "stats": [{**ROW, "num_requests": -1}]}, "num_requests must be a whole number from 0"),
        ("stats", {**STATS, "stats": [{**ROW, "num_requests": MOST + 1}]}, "num_requests must be a whole number"),
        ("stats", {**STATS, "stats": [{**ROW, "num_requests": True}]}, "num_requests must be a whole number"),
        ("stats", {**STATS, "stats": [{**ROW, "start_time": float("nan")}]}, "start_time must be a time"),
        ("stats", {**STATS, "stats": [{**ROW, "response_times": {"x": 1}}]}, "a key of stats.stats[].response_times"),
        ("stats", {**STATS, "stats": [{**ROW, "start_time": MOST}]}, "start_time must be a time"),
        ("stats", {**STATS, "stats_total": []}, "stats_total must be a mapping"),
        ("stats", {**STATS, "errors": {"x": {}}}, "stats.errors[...].name must be there"),
        ("stats", {**STATS, "user_classes_count": {"Hold": 1.5}}, "user_classes_count[...] must be a whole number"),
        ("spawning_complete", {"user_count": 1}, "user_classes_count must be there"),
        (agent.LIMITS, {}, "is missing"),
        (number_allocator.WANT, {"run": "x", "want": 1, "back": []}, "run must be a whole number"),
        (agent.FINAL, None, "holdfast_final must be a mapping"),
    ],
)
def test_message_is_refused_with_the_field(kind: str, data: Any, said: str) -> None:
    with pytest.raises(ReportError) as found:
        rules.check(kind, data)
    assert said in str(found.value)


@given(kind=KINDS, data=ANYTHING)
def test_check_of_any_data_raises_nothing_else(kind: str, data: Any) -> None:
    with contextlib.suppress(ReportError):
        rules.check(kind, data)


@pytest.mark.parametrize("kind", sorted(WELL_FORMED))
def test_well_formed_messages_of_the_fuzzer_are_accepted(kind: str) -> None:
    @given(data=WELL_FORMED[kind])
    def accepted(data: Any) -> None:
        rules.check(kind, data)

    accepted()
