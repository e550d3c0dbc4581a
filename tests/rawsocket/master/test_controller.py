import itertools
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent.event import Event
from locust.runners import STATE_INIT, STATE_MISSING, STATE_SPAWNING, STATE_STOPPED, STATE_STOPPING

from rawsocket.master.server_probe import ServerProbe
from rawsocket.master.timeline import AFTERMATH_S
from rawsocket.measurement.report import Counts, Limits
from rawsocket.worker.limits import KB_PER_USER
from tests.support.controllers import Come, ControllerBench, Hold, controller_bench
from tests.support.local_run import LONG
from tests.support.reports import report


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[ControllerBench]:
    with controller_bench(monkeypatch) as bench:
        bench.add_worker("a")
        bench.add_worker("b")
        yield bench


def test_run_from_start_to_verdict(bench: ControllerBench) -> None:
    bench.start()
    for _ in range(8):
        bench.second(held=5)
    document = bench.stop(connected=5)
    assert document["verdict"] == "pass", document["reasons"]
    assert (document["run"]["steady_from_s"], document["run"]["steady_s"]) == (2.0, 6.0)
    assert document["held"] == {"wanted": 10, "steady_min": 10, "peak": 10, "server_steady_min": None}
    assert document["messages"]["per_s"] == pytest.approx(20)
    assert [worker["cpu_share"] for worker in document["generator"]["workers"]] == [0.25, 0.25]


def test_last_steady_sample_precedes_the_stop_request(bench: ControllerBench) -> None:
    bench.start()
    for _ in range(5):
        bench.second(held=5)
    bench.controller.on_test_stopping()
    bench.second(held=0)
    assert {sample.held for sample in bench.controller.run.steady_samples} == {10}
    assert bench.controller.run.timeline.samples[-1].held == 0  # the chart shows the fall


def test_server_count_of_the_ramp_is_not_steady(bench: ControllerBench) -> None:
    counts = itertools.chain([18, 20], itertools.repeat(0))
    probe = ServerProbe("http://server:8687", lambda _: f"holdfast_server_connections {next(counts)}\n", bench.clock)
    bench.controller.probe = probe
    bench.start()  # polls the server
    for _ in range(3):  # the server does not answer
        bench.second(held=10)
    probe.poll()
    bench.second(held=10)
    assert [sample.server_held for sample in bench.controller.run.timeline.samples] == [18, None, None, 20]
    assert bench.stop()["held"]["server_steady_min"] == 20


def test_steady_window_follows_the_last_ramp(bench: ControllerBench) -> None:
    bench.start()
    for _ in range(4):
        bench.second(held=2)
    bench.runner.update_state(STATE_SPAWNING)
    bench.second(held=3)
    assert list(bench.controller.run.steady_samples) == []
    bench.runner.update_state("running")
    bench.controller.on_spawning_complete()
    for _ in range(5):
        bench.second(held=5)
    assert {sample.held for sample in bench.controller.run.steady_samples} == {10}
    assert bench.stop()["run"]["steady_from_s"] == 7.0


def test_run_that_ends_during_its_ramp_has_no_steady_window(bench: ControllerBench) -> None:
    bench.controller.on_test_start()
    bench.runner.update_state(STATE_SPAWNING)
    bench.second(held=1)
    document = bench.stop()
    assert (document["verdict"], document["run"]["steady_s"]) == ("unknown", 0.0)


def test_missing_worker_is_lost_and_holds_nothing(bench: ControllerBench) -> None:
    bench.start()
    for _ in range(5):
        bench.second(held=5)
    bench.runner.clients["b"].state = STATE_MISSING
    bench.second(held=5)
    assert bench.controller.held() == 5
    document = bench.stop()
    assert document["exit_code"] == 4
    assert document["reasons"][0] == "worker 2 was lost: it went missing"


def test_worker_that_quits_is_lost(bench: ControllerBench) -> None:
    bench.start()
    bench.second(held=5)
    del bench.runner.clients["b"]
    bench.second(held=5)
    assert "worker 2 was lost: it quit before stop was asked" in bench.stop()["reasons"]


def test_worker_that_quits_after_the_stop_request_is_not_lost(bench: ControllerBench) -> None:
    bench.start()
    for _ in range(5):
        bench.second(held=5)
    bench.controller.on_test_stopping()
    for worker in ("a", "b"):
        bench.controller.receive(worker, report(final=True))
        del bench.runner.clients[worker]
    bench.controller._away = lambda: []  # type: ignore[method-assign]  # this runner gets no workers back
    bench.controller.on_test_stop()
    assert not any(member.lost for member in bench.controller.run.participants)


def test_worker_without_a_final_report_is_lost(bench: ControllerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.start()
    for _ in range(5):
        bench.second(held=5)
    bench.controller.on_test_stopping()
    bench.controller.receive("a", report(final=True))
    sent: list[Any] = []
    monkeypatch.setattr(bench.runner, "send_message", lambda kind, client_id: sent.append((kind, client_id)))
    monkeypatch.setattr("rawsocket.master.controller._wait_while", lambda waiting, seconds: None)
    bench.controller.on_test_stop()
    assert sent == [("stop", "b")]
    assert bench.controller.run.participant("b").lost == "it did not deliver its final numbers"


def test_run_with_too_few_workers_is_unknown(bench: ControllerBench) -> None:
    del bench.runner.clients["b"]
    bench.start()
    for _ in range(5):
        bench.second(held=5)
    assert "only 1 of 2 workers came" in bench.stop()["reasons"]


def test_run_is_judged_only_once(bench: ControllerBench) -> None:
    bench.start()
    for _ in range(5):
        bench.second(held=5)
    document = bench.stop()
    bench.controller.interrupted = True
    bench.controller.on_test_stopping()
    bench.controller.on_test_stop()
    assert bench.controller.conclude() is document


def test_run_is_finished_even_if_locust_kills_the_greenlet_that_stops_it(
    bench: ControllerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last worker leaves, so Locust stops the run in a greenlet that it kills when it quits."""
    bench.start()
    bench.second(held=5)
    bench.controller.on_test_stopping()
    gathering, go_on = Event(), Event()
    monkeypatch.setattr(bench.controller, "_gather", lambda run: (gathering.set(), go_on.wait()))
    stopping = gevent.spawn(bench.controller.on_test_stop)
    gathering.wait()
    stopping.kill()
    go_on.set()
    assert bench.controller.run.finished.wait(LONG)
    assert bench.controller.run.document


def test_verdict_without_a_run_is_unknown(bench: ControllerBench) -> None:
    document = bench.controller.conclude()
    assert (document["verdict"], document["exit_code"]) == ("unknown", 4)
    assert document["run"]["started_utc"]


def test_samples_end_a_fixed_time_after_the_run(bench: ControllerBench) -> None:
    bench.start()
    bench.second(held=5)
    bench.stop()
    for _ in range(int(AFTERMATH_S) + 10):
        bench.second(held=0)
    assert len(bench.controller.run.timeline.samples) == 1 + AFTERMATH_S


def test_sample_has_rates_and_latencies_of_its_second(bench: ControllerBench) -> None:
    bench.start()
    bench.second(held=5)
    bench.second(held=5)
    sample = bench.controller.run.timeline.samples[-1]
    assert (sample.messages_s, sample.connects_s, sample.p50_ms) == (20, 0, 0.2)


def test_new_run_clears_the_last_verdict(bench: ControllerBench) -> None:
    bench.start()
    bench.second(held=5)
    bench.stop()
    bench.controller.on_test_start()
    assert bench.controller.run.document is None
    assert bench.controller.run.timeline.samples == []


def test_locust_state_does_not_wait_for_dead_workers(bench: ControllerBench) -> None:
    bench.start()
    bench.second(held=5)
    bench.stop()
    bench.runner.update_state(STATE_STOPPING)
    bench.runner.clients["a"].state, bench.runner.clients["b"].state = STATE_INIT, STATE_MISSING
    bench.controller.tick()
    assert bench.runner.state == STATE_STOPPED


def test_controller_refuses_more_users_than_the_workers_can_hold(bench: ControllerBench) -> None:
    for worker in ("a", "b"):
        bench.controller.workers.worker(worker).limits = Limits(100, 1 << 30, 1 << 30)
    assert bench.controller.refuse(200) is None
    assert "WORKERS=3" in (bench.controller.refuse(201) or "")


def test_connections_over_tls_need_more_memory(bench: ControllerBench) -> None:
    for worker in ("a", "b"):
        bench.controller.workers.worker(worker).limits = Limits(1000, 1000, 100 * KB_PER_USER)
    assert bench.controller.refuse(200) is None
    bench.controller.environment.host = "tls://server:8686"
    assert "memory" in (bench.controller.refuse(200) or "")


@pytest.mark.parametrize(
    ("users", "plan", "wanted"),
    [
        ((Hold,), {"ours": True, "headless": True}, 10),
        ((Hold, Come), {"ours": True, "headless": True}, None),
        ((Hold,), {"ours": True, "headless": True, "min_held": 4}, 4),
        ((Hold,), {"ours": True, "headless": True, "min_held": 0}, None),
        ((Hold,), {"ours": True}, None),
        ((Hold,), {"headless": True}, None),
    ],
)
def test_min_held_defaults_to_all_users_in_a_headless_hold(
    monkeypatch: pytest.MonkeyPatch, users: tuple[Any, ...], plan: dict[str, Any], wanted: int | None
) -> None:
    with controller_bench(monkeypatch, *users, **plan) as bench:
        bench.controller.on_test_start()
        assert bench.controller.run.thresholds.get("min_held") == wanted


def test_each_run_is_a_new_object(bench: ControllerBench) -> None:
    bench.start()
    bench.second(held=5)
    first = bench.controller.run
    document = bench.stop()
    bench.start()
    assert bench.controller.run is not first
    assert (first.document, len(first.timeline.samples)) == (document, 1)
    assert bench.controller.run.totals() == Counts()


def test_worker_with_an_invalid_report_is_lost(bench: ControllerBench, caplog: pytest.LogCaptureFixture) -> None:
    bench.start()
    for _ in range(5):
        bench.second(held=5)
        bench.controller.receive_wire("b", {**report().to_wire(), "colour": "red"})
    document = bench.stop()
    assert document["exit_code"] == 4
    assert document["reasons"][0].startswith("worker 2 was lost: its report can't be read (report.colour is not known)")
    assert [record.message for record in caplog.records if "colour" in record.message] == [
        f"worker b is lost: {bench.controller.run.participant('b').lost}"
    ]


def test_controller_decodes_reports_and_limits(bench: ControllerBench, caplog: pytest.LogCaptureFixture) -> None:
    bench.start()
    bench.controller.receive_wire("a", report(held=4).to_wire())
    bench.controller.receive_limits("a", Limits(100, 1 << 30, 1 << 30).to_wire())
    bench.controller.receive_limits("b", {})
    assert bench.controller.run.totals().held == 4
    assert bench.controller.workers.worker("a").limits == Limits(100, 1 << 30, 1 << 30)
    assert bench.controller.workers.worker("b").limits is None
    assert "worker b: its limits can't be read: limits." in caplog.text
