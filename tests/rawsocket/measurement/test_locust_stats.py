import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import gc
from typing import Any

import pytest
from locust.env import Environment

from rawsocket.errors import Closed
from rawsocket.measurement.locust_stats import Batch, foreign
from rawsocket.measurement.recorder import Recorder
from rawsocket.measurement.report import RowTimes
from tests.support.local_run import wait_until


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def batch(recorder: Recorder) -> Batch:
    return Batch(recorder)


@pytest.fixture
def environment() -> Environment:
    made = Environment()
    made.create_local_runner()
    return made


def test_flush_gives_locust_each_event_once(batch: Batch, recorder: Recorder, environment: Environment):
    row = batch["message"]
    row.plain += [0.0005, 0.0105]
    row.full.append((1.0, 0.002, 0.001))
    row.bytes += 60
    recorder.fail(row, "closed")
    batch.flush(environment)
    batch.flush(environment)
    entry = environment.stats.get("message", "TCP")
    assert (entry.num_requests, entry.num_failures, entry.num_none_requests) == (4, 1, 1)
    assert entry.min_response_time == 0.5
    # Locust shows the latency from due, as a caller experiences it.
    assert entry.max_response_time == pytest.approx(1000, rel=0.001)
    assert entry.avg_response_time == pytest.approx((0.5 + 10.5 + 1000) / 3, rel=0.001)
    assert entry.total_content_length == 60
    assert sum(entry.response_times.values()) == 3
    assert environment.stats.total.num_requests == 4
    [error] = environment.stats.errors.values()
    assert (error.error, error.occurrences, error.name) == ("closed", 1, "message")


def test_the_second_batch_is_added_to_the_first(batch: Batch, recorder: Recorder, environment: Environment):
    for _ in range(3):
        batch["message"].plain.append(0.001)
        recorder.fail(batch["message"], "closed")
        recorder.fail(batch["message"], "reset")
        batch.flush(environment)
    entry = environment.stats.get("message", "TCP")
    assert (entry.num_requests, entry.num_failures) == (9, 6)
    assert sorted(error.occurrences for error in environment.stats.errors.values()) == [3, 3]
    assert sum(entry.num_reqs_per_sec.values()) == 9
    assert sum(entry.num_fail_per_sec.values()) == 6


def test_event_without_a_time_is_a_request_without_a_time(batch: Batch, recorder: Recorder, environment: Environment):
    batch["message"].plain.append(0.002)
    for _ in range(3):
        batch["message"].add_count(10)
        batch.flush(environment)
    entry = environment.stats.get("message", "TCP")
    assert (entry.num_requests, entry.num_failures, entry.num_none_requests) == (4, 0, 3)
    assert (entry.avg_response_time, entry.total_content_length) == (2, 30)


def test_wait_is_shown_in_its_row_and_left_out_of_the_sum(batch: Batch, environment: Environment):
    batch["push"].add_count(10)
    batch["news"].add_wait(9.0, 10)
    batch["message"].plain.append(0.002)
    batch.flush(environment)
    batch.flush(environment)
    entry, total = environment.stats.get("news", "TCP"), environment.stats.total
    assert (entry.num_requests, entry.num_none_requests, entry.avg_response_time) == (1, 0, pytest.approx(9000, 0.001))
    assert (total.num_requests, total.num_none_requests, total.max_response_time) == (2, 1, 2)


def test_push_with_a_latency_of_its_own_is_one_request_in_the_sum(batch: Batch, environment: Environment):
    for _ in range(2):
        batch["push"].add_count(10)
        batch.flush(environment)  # the session receives it later
        batch["news"].add((0.009, 0.009, 0.009), 10)
        batch["news"].count_again(10)
        batch.flush(environment)
    entry, total = environment.stats.get("news", "TCP"), environment.stats.total
    assert (entry.num_requests, entry.total_content_length) == (2, 20)
    assert (total.num_requests, total.num_none_requests, total.total_content_length) == (2, 0, 20)
    assert total.avg_response_time == pytest.approx(9, 0.001)


def test_errors_share_a_line_with_those_of_other_users(batch: Batch, recorder: Recorder, environment: Environment):
    environment.events.request.fire(
        request_type="TCP", name="drop", response_time=None, response_length=0, exception=Closed(), context={}
    )
    recorder.fail(batch["drop"], "closed")
    batch.flush(environment)
    [error] = environment.stats.errors.values()
    assert error.occurrences == 2


def test_the_report_has_the_same_rows(batch: Batch, recorder: Recorder, environment: Environment):
    batch["message"].plain.append(0.001)
    batch["connect"].plain.append(0.002)
    batch.flush(environment)
    rows = {row.name: row for row in recorder.report().rows}
    assert rows["message"].requests == rows["connect"].requests == 1
    assert rows["message"].times.due == [[1000, 1]]
    assert rows["connect"].times == RowTimes(sent=[[2000, 1]], due=[], first=[])


def test_only_listeners_besides_locusts_own_are_foreign(environment: Environment):
    hook = environment.events.request
    assert not foreign(hook)
    hook.add_listener(lambda **_: None)
    assert foreign(hook)


def test_foreign_listener_gets_each_event_and_turns_batching_off(
    batch: Batch, recorder: Recorder, environment: Environment
):
    received: list[Any] = []
    environment.events.request.add_listener(lambda **event: received.append(event))

    class User:
        def context(self) -> dict[str, Any]:
            return {"who": "me"}

    batch.look(environment)
    assert batch.listener is not None
    batch["message"].plain.append(0.001)
    batch.listener.event(User(), "message", 0.001, 5, None)
    batch.listener.event(User(), "drop", None, 0, Closed())
    batch.listener.event(User(), "late clock", -0.001, 0, None)
    wait_until(lambda: len(received) == 3)
    batch.flush(environment)
    assert received[0] == {
        "request_type": "TCP", "name": "message", "response_time": 1.0, "response_length": 5, "exception": None,
        "context": {"who": "me"},
    }  # fmt: skip
    assert str(received[1]["exception"]) == "closed"
    assert received[2]["response_time"] == 0
    assert environment.stats.get("message", "TCP").num_requests == 1


def test_batching_resumes_when_the_foreign_listener_is_removed(batch: Batch, environment: Environment):
    def listener(**_: Any) -> None:
        pass

    hook = environment.events.request
    hook.add_listener(listener)
    batch.look(environment)
    hook.remove_listener(listener)
    batch.flush(environment)
    assert batch.listener is None


def test_flushes_leave_nothing_to_the_garbage_collector(batch: Batch, environment: Environment):
    """In a worker it hardly ever runs: cycles that it would have to find grow for half an hour."""
    batch["message"].plain.append(0.001)
    batch.flush(environment)
    gc.collect()
    for _ in range(10):
        batch["message"].plain.append(0.001)
        batch.flush(environment)
    assert gc.collect() == 0
