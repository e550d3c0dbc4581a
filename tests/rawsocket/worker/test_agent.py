import gc
import math
import os
import random
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import locust.event
import locust.runners
import locust.stats
import pytest
from locust.runners import LocalRunner, WorkerRunner

from rawsocket.engine.engine import engine
from rawsocket.engine.reactor import READABLE
from rawsocket.measurement.overdue import Waiting
from rawsocket.measurement.recorder import RECORDER
from rawsocket.measurement.report import Limits, Report
from rawsocket.verdict.alerts import SILENT_S
from rawsocket.worker import agent as agent_module
from rawsocket.worker.agent import WorkerAgent
from tests.support.locust_fleet import locust_fleet
from tests.support.reports import Clock, once
from tests.support.server_process import running_server

HOME = {"HOLDFAST_TARGET": "tcp://server:8686"}


class FakeWorker(WorkerRunner):
    """A worker without a connection that keeps its messages."""

    def __init__(self, host: str | None, *user_hosts: str | None) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.spawned: list[dict[str, int]] = []
        users = [type("User", (), {"host": host}) for host in user_hosts]
        events, stats = locust.event.Events(), locust.stats.RequestStats()
        self.environment: Any = SimpleNamespace(host=host, user_classes=users, events=events, stats=stats)

    def __del__(self) -> None: ...

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:
        self.sent.append((msg_type, data))

    def spawn_users(self, user_classes_spawn_count: dict[str, int], wait: bool = False) -> Any:
        self.spawned.append(user_classes_spawn_count)
        return ["a user"]


@pytest.fixture(autouse=True)
def _interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locust.runners, "WORKER_REPORT_INTERVAL", 3.0)


def test_agent_sends_limits_at_once_and_reports_every_second() -> None:
    runner = FakeWorker("tcp://server:8686", None)
    WorkerAgent(runner, HOME)
    assert locust.runners.WORKER_REPORT_INTERVAL == 1.0
    ((kind, data),) = runner.sent
    assert kind == "holdfast_limits"
    assert Limits.from_wire(data).descriptors > 0


@pytest.mark.parametrize(("jitter", "waits"), [({}, "random"), ({"RECONNECT_JITTER": "no"}, "no_jitter")])
def test_users_wait_with_or_without_jitter(monkeypatch: pytest.MonkeyPatch, jitter: dict[str, str], waits: str) -> None:
    monkeypatch.setattr(engine(), "reconnect_random", random.random)
    WorkerAgent(FakeWorker("tcp://server:8686", None), HOME | jitter)
    assert engine().reconnect_random.__name__ == waits


def test_report_counts_open_connections_without_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = WorkerAgent(FakeWorker("tcp://server:8686", None), HOME)
    idle = {"deadline": math.inf}
    handlers = {
        1: SimpleNamespace(heard=False, **idle), 2: SimpleNamespace(heard=True, **idle), 3: SimpleNamespace(**idle)
    }  # fmt: skip
    monkeypatch.setattr(engine().reactor, "_handlers", handlers)
    assert agent.report().silent == 1


def test_report_has_the_replies_that_are_overdue(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = WorkerAgent(FakeWorker("tcp://server:8686", None), HOME)
    asked: list[float] = []
    waits: list[list[float]] = [[], [4.5, 12.0]]
    monkeypatch.setattr(engine().deadlines, "outstanding", lambda least: asked.append(least) or waits.pop(0))
    found = [(report.outstanding, report.outstanding_s) for report in (agent.report(), agent.report())]
    assert found == [(0, 0.0), (2, 12.0)]
    assert asked == [SILENT_S] * 2


def test_report_has_absolute_values_and_limits() -> None:
    agent = WorkerAgent(FakeWorker(None, None), {})
    agent.on_test_start()
    data: dict[str, Any] = {"stats": []}
    agent.add_report(data)
    report = Report.from_wire(data["holdfast"])
    assert report.run == RECORDER.run
    assert report.counts.held == RECORDER.held
    assert report.limits == agent.limits
    assert data["stats"] == []


def test_objects_that_refer_to_each_other_are_freed_within_a_minute() -> None:
    thresholds = gc.get_threshold()
    agent = WorkerAgent(FakeWorker("tcp://server:8686", None), HOME)
    gc.set_threshold(0)
    try:
        own = type("Own", (), {})()
        own.itself = own
        left = weakref.ref(own)
        del own
        for _ in range(agent_module.COLLECT_AFTER):
            assert left() is not None
            agent.add_report({})
        assert left() is None
    finally:
        gc.set_threshold(*thresholds)


def test_agent_reports_the_stop_request_and_the_end() -> None:
    runner = FakeWorker(None, None)
    agent = WorkerAgent(runner, {})
    agent.on_test_stopping()
    agent.on_test_stop()
    assert [(kind, data["final"]) for kind, data in runner.sent[1:]] == [
        ("holdfast_stopping", False),
        ("holdfast_final", True),
    ]


class WaitingConnection:
    """A connection and its owner, reduced to the messages that wait."""

    deadline = float("inf")

    def __init__(self, row: str, *ages: float) -> None:
        self.owner = self
        self._waiting = Waiting(row, max(ages), once(list(ages)))

    def on_ready(self, events: int) -> None: ...

    def waiting(self, now: float) -> Waiting:
        return self._waiting


def test_overdue_messages_are_in_the_stop_report_and_the_final_report() -> None:
    """The first stop request reads the messages of all connections; later ones read none."""
    runner = FakeWorker(None, None)
    agent = WorkerAgent(runner, {})
    agent.on_test_start()
    reactor = engine().reactor
    pipes = [os.pipe() for _ in range(2)]
    try:
        for (inlet, _), connection in zip(
            pipes, (WaitingConnection("request", 2.0), WaitingConnection("message", 3.0, 2.0)), strict=True
        ):
            reactor.watch(inlet, connection, READABLE)
        assert agent.report().overdue.count == 0
        agent.on_test_stopping()
        agent.on_test_stopping()
        agent.on_test_stop()
    finally:
        for ends in pipes:
            reactor.unwatch(ends[0])
            for end in ends:
                os.close(end)
    assert [data["overdue"]["count"] for _, data in runner.sent[1:]] == [3, 3, 3]
    agent.on_test_start()
    assert agent.report().overdue.count == 0


def test_each_run_has_its_own_number() -> None:
    agent = WorkerAgent(FakeWorker(None, None), {})
    before = RECORDER.run
    agent.on_test_start()
    assert RECORDER.run == before + 1


@pytest.mark.parametrize(
    ("host", "users", "refused"),
    [
        ("tcp://server:8686", ["tcp://other:1"], None),  # Locust gives the run's host to its users
        (None, ["tcp://server:8686"], None),
        ("TCP://Server:8686/", [None], None),
        ("tcp://other:8686", ["tcp://server:8686"], "tcp://other:8686"),
        (None, ["tcp://server:8686", "tcp://other:1"], "tcp://other:1"),
        ("http://server", [None], "http://server"),
    ],
)
def test_agent_refuses_any_host_except_the_target(
    host: str | None, users: list[str | None], refused: str | None
) -> None:
    reason = WorkerAgent(FakeWorker(host, *users), HOME).refusal()
    assert (reason is None) if refused is None else (reason and refused in reason)


def test_agent_without_a_target_allows_any_host() -> None:
    assert WorkerAgent(FakeWorker("tcp://anywhere:1", None), {}).refusal() is None


def test_refused_run_starts_no_user_and_is_reported_once() -> None:
    runner = FakeWorker("tcp://other:1", None)
    agent = WorkerAgent(runner, HOME)
    agent.on_test_start()
    assert runner.spawn_users({"Hold": 3}) == []
    assert runner.spawned == []
    kinds = [kind for kind, _ in runner.sent]
    assert kinds == ["holdfast_limits", "exception", "holdfast_refused"]
    assert runner.sent[1][1]["msg"].startswith("target-refused: ")


def test_run_after_a_refused_one_can_start() -> None:
    runner = FakeWorker("tcp://other:1", None)
    agent = WorkerAgent(runner, HOME)
    agent.on_test_start()
    runner.environment.host = "tcp://server:8686"
    agent.on_test_start()
    assert runner.spawn_users({"Hold": 3}) == ["a user"]
    assert runner.spawned == [{"Hold": 3}]


def test_local_run_with_another_host_is_refused() -> None:
    logged: list[str] = []

    class FakeLocal(LocalRunner):
        def __init__(self) -> None:
            self.environment: Any = SimpleNamespace(host="tcp://other:1", user_classes=[SimpleNamespace(host=None)])

        def __del__(self) -> None: ...

        def log_exception(self, node_id: str, msg: str, formatted_tb: str) -> None:
            logged.append(msg)

    runner = FakeLocal()
    WorkerAgent(runner, HOME).on_test_start()
    assert runner.spawn_users({"Hold": 1}) == []
    assert len(logged) == 1


def test_worker_of_another_lab_makes_no_connection_and_ends_the_run(tmp_path: Path) -> None:
    settings = {"HEADLESS": "true", "USERS": 5, "RATE": 5, "TIME": "60s", "WORKERS": 1}
    with running_server() as server, locust_fleet(tmp_path, server, workers=0, **settings) as fleet:
        fleet.add_worker(HOLDFAST_SERVER="tcp://127.0.0.1:9")
        assert fleet.exit_code() == 4
        assert server.metrics()["accepted_total"] == 0
    assert any(reason.startswith("target-refused: ") for reason in fleet.verdict()["reasons"])


@pytest.mark.parametrize(("ends_at", "stayed"), [(1003.0, 3.0), (9999.0, 10.0)])
def test_worker_lingers_until_it_is_ended_or_the_limit_passes(
    monkeypatch: pytest.MonkeyPatch, ends_at: float, stayed: float
) -> None:
    clock = Clock()
    monkeypatch.setattr(agent_module, "time", SimpleNamespace(monotonic=clock))

    def sleep(seconds: float) -> None:
        clock.now += seconds

    agent_module.linger(10.0, lambda: clock.now >= ends_at, sleep)
    assert clock.now - 1000.0 == pytest.approx(stayed, abs=0.2)


def test_fault_of_a_worker_is_sent_to_the_master() -> None:
    runner = FakeWorker(None, None)
    WorkerAgent(runner, {}).report_fault("its task died")
    assert runner.sent[-1] == ("holdfast_fault", {"message": "its task died"})


def test_exception_in_a_callback_of_the_reactor_is_an_error_of_the_scenario() -> None:
    WorkerAgent(FakeWorker(None, None), {}).on_test_start()
    assert engine().reactor.on_error is not None
    engine().reactor.on_error(LookupError("is_push"))
    assert [(one.type, one.count) for one in RECORDER.scenario_errors.report()] == [("LookupError", 1)]
    RECORDER.begin_run()
