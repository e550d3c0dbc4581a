from collections.abc import Iterator
from typing import Any

import pytest

from rawsocket.master.live.observer import Observer
from rawsocket.master.live.server_usage import ServerUsage, Usage
from rawsocket.master.server_counts import ServerCounts
from rawsocket.master.server_probe import ServerProbe
from rawsocket.measurement.report import StormReport
from rawsocket.verdict.observed import Silence
from tests.support.controllers import ControllerBench, controller_bench
from tests.support.reports import Clock, report
from tests.support.runs import open_window, started

FROZEN = {"messages": {"due": 60, "sent": 60, "answered": 0}, "bytes_": {"sent": 1, "received": 0}}


class Server:
    """A server whose counters the test sets."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.counters: dict[str, float] = {"holdfast_server_connections": 20, "holdfast_server_max_connections": 20}
        self.more = 'holdfast_server_info{model="select"} 1\nprocess_start_time_seconds 7\n'
        self.answers = True
        self.probe = ServerProbe("http://server:8687", self._get, self.clock)

    def _get(self, _: str) -> str:
        if not self.answers:
            raise OSError("no answer")
        return self.more + "".join(f"{name} {value}\n" for name, value in self.counters.items())

    def second(self) -> None:
        self.clock.now += 1
        self.probe.poll()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[ControllerBench]:
    with controller_bench(monkeypatch) as bench:
        bench.add_worker("a")
        bench.add_worker("b")
        yield bench


def _alerts(bench: ControllerBench) -> list[str]:
    return [alert["name"] for alert in bench.controller.observer.state()["alerts"]]


def test_run_goes_from_ready_to_its_verdict(bench: ControllerBench) -> None:
    status = [bench.controller.observer.state()["status"]]
    bench.controller.on_test_start()
    status.append(bench.controller.observer.state()["status"])
    bench.start()
    for _ in range(4):
        bench.second(held=5)
    status.append(bench.controller.observer.state()["status"])
    bench.second(held=5, failures={"closed": 3})
    status.append(bench.controller.observer.state()["status"])
    bench.stop(held=5, failures={"closed": 3})
    status.append(bench.controller.observer.state()["status"])
    assert status == ["ready", "starting", "on track", "in trouble", "FAIL"]


def test_threshold_that_is_missed_so_far_has_its_text(bench: ControllerBench) -> None:
    bench.start()
    bench.second(held=5, failures={"closed": 3})
    (missed,) = (check for check in bench.controller.observer.state()["thresholds"] if check["ok"] is False)
    assert (missed["name"], missed["text"]) == ("max_failures", "6 failures; none were allowed")


def test_lost_worker_is_an_alert_and_an_event_with_its_number(bench: ControllerBench) -> None:
    bench.start()
    bench.second(held=5)
    del bench.runner.clients["b"]
    bench.second(held=5)
    state = bench.controller.observer.state()
    assert [alert["text"] for alert in state["alerts"]] == ["Worker 2 lost: it quit before stop was asked"]
    events = [(event["at_s"], event["kind"]) for event in state["events"]]
    assert events == [(0.0, "ramp-complete"), (2.0, "worker-lost")]
    document = bench.stop()
    assert document["cause"]["name"] == "worker-lost"
    assert [event["kind"] for event in document["events"]] == ["ramp-complete", "worker-lost", "stop"]
    assert bench.controller.observer.state()["alerts"] == []  # they are over with the run


def test_new_run_shows_nothing_of_the_one_before(bench: ControllerBench) -> None:
    bench.start()
    bench.second(held=5, failures={"closed": 3})
    bench.stop()
    bench.controller.on_test_start()
    state = bench.controller.observer.state()
    assert (state["status"], state["alerts"], state["events"], state["thresholds"]) == ("starting", [], [], [])


def test_frozen_server_is_an_alert_while_it_is_frozen(bench: ControllerBench) -> None:
    bench.start()
    found = []
    for second in range(1, 9):
        bench.clock.now += 1
        came = {"bytes_": {"sent": 1, "received": second if second < 2 or second > 6 else 2}}
        for worker in ("a", "b"):
            bench.controller.receive(worker, report(held=5, wall_s=second, **{**FROZEN, **came}))
        bench.controller.tick()
        found.append(_alerts(bench))
    assert found == [[], [], [], [], ["server-silent"], ["server-silent"], [], []]
    longest = bench.controller.run.observed.longest
    assert longest == Silence(2.0, 4.0, 120)
    assert bench.controller.observer.state()["silences"] == [[2.0, 7.0]]
    assert bench.stop()["silences"] == [[2.0, 7.0]]


def test_replies_of_a_frozen_process_are_overdue_while_others_come(bench: ControllerBench) -> None:
    bench.start()
    for outstanding in ((0, 0.0), (30, 3.5)):
        bench.second(held=5, outstanding=outstanding)
    assert _alerts(bench) == ["replies-overdue"]
    del bench.runner.clients["b"]  # what a lost worker has said is not of now
    bench.second(held=5, outstanding=(30, 4.5))
    texts = [alert["text"] for alert in bench.controller.observer.state()["alerts"]]
    assert texts[1:] == ["30 replies are overdue for up to 4.5 s"]
    bench.second(held=5)
    assert _alerts(bench) == ["worker-lost"]


def test_process_whose_loop_stands_still_answers_nothing() -> None:
    server = Server()
    server.counters |= {"holdfast_server_processes": 2, "holdfast_server_processes_wanted": 2}
    server.counters |= {f'holdfast_server_process_connections{{process="{n}"}}': 10 for n in (0, 1)}
    run, observer = _observed(server)
    found = []
    for at_s in range(1, 6):
        turns = {0: at_s, 1: min(at_s, 2)}
        for number, count in turns.items():
            server.counters[f'holdfast_server_process_loop_turns_total{{process="{number}"}}'] = count
        server.second()
        run.receive("a", report(held=20, wall_s=at_s, answered=at_s, outstanding=(10, 3.5)))
        _look(observer, at_s)
        found.append(observer.state()["alerts"][0]["text"])
    assert found == [
        *["10 replies are overdue for up to 3.5 s"] * 4,
        "10 replies are overdue for up to 3.5 s: 1 of 2 processes of the server answers nothing",
    ]


def _observed(server: Server, **counts: Any) -> tuple[Any, Observer]:
    run = started("a", server_counts=ServerCounts.at_start(server.probe))
    run.receive("a", report(held=20, **counts))
    return run, Observer(run, server.probe, lambda _: 0.0)


def _look(observer: Observer, *seconds: float, users: int = 60) -> None:
    for at_s in seconds:
        observer.look(at_s, ["a"], 20, users)


def test_full_server_is_an_alert_with_its_cap_and_remedy() -> None:
    server = Server()
    server.second()
    _, observer = _observed(server, connections={"attempted": 60, "connected": 20, "failed": {"server-full": 40}})
    _look(observer, 1)
    assert [alert["text"] for alert in observer.state()["alerts"]] == [
        "Server full: it holds 20; 40 users are refused. Set MAX_CONNECTIONS=60."
    ]


def test_server_that_starts_anew_is_a_restart() -> None:
    server = Server()
    server.second()
    run, observer = _observed(server)
    _look(observer, 1)
    server.more = server.more.replace("seconds 7", "seconds 9")
    server.second()
    _look(observer, 2, 3)
    assert run.observed.restarted_at_s == 2
    assert [alert["name"] for alert in observer.state()["alerts"]] == ["process-lost"]
    assert [(event.at_s, event.text) for event in run.observed.events] == [(2, "the server was restarted")]


def test_replaced_process_of_the_server_is_an_event_with_the_connections_that_it_cut() -> None:
    server = Server()
    server.second()
    run, observer = _observed(server)
    _look(observer, 1)
    server.counters |= {"holdfast_server_respawns_total": 1, 'holdfast_server_closed_total{reason="lost"}': 30}
    server.second()
    _look(observer, 2)
    assert (run.observed.processes_lost, run.observed.connections_lost) == (1, 30)
    assert [(event.kind, event.text) for event in run.observed.events] == [
        ("process-lost", "1 process of the server lost: 30 connections cut")
    ]
    _look(observer, 6)
    assert [alert["name"] for alert in observer.state()["alerts"]] == ["process-lost"]
    _look(observer, 7)
    assert observer.state()["alerts"] == []


def test_server_that_answers_no_more_is_lost_since_its_last_answer() -> None:
    server = Server()
    server.second()
    run, observer = _observed(server)
    _look(observer, 1)
    server.answers = False
    server.clock.now += 60
    _look(observer, 2, 5)
    assert run.observed.server_lost_at_s == 1
    assert [alert["text"] for alert in observer.state()["alerts"]] == ["No answer from the server's admin port for 4 s"]
    server.answers = True
    server.second()
    _look(observer, 6)
    assert (run.observed.server_lost_at_s, observer.state()["alerts"]) == (None, [])


def test_longest_turn_of_the_servers_loop_is_of_the_steady_window() -> None:
    server = Server()
    server.second()
    run, observer = _observed(server)
    for at_s, lag in ((1, 9.0), (2, 0.5), (3, 0.25)):
        server.counters["holdfast_server_loop_lag_seconds"] = lag
        server.second()
        if at_s == 2:
            open_window(run)
        _look(observer, at_s)
    assert run.observed.loop_lag_s == 0.5


def test_storms_are_events_of_the_run() -> None:
    server = Server()
    run, observer = _observed(server)
    run.started_wall_s = 1000.0
    run.receive("a", report(storms=[StormReport(1012, 30)]))
    assert observer.state()["events"] == [
        {"at_s": 12.0, "kind": "storm", "text": "storm: 30 connections dropped", "label": "storm"}
    ]


def test_restart_of_a_server_without_counters() -> None:
    server = Server()
    server.answers = False
    answers = [Usage("1", "noon", 1.0, 9), Usage("2", "noon", 2.0, 9), Usage("3", "later", 0.1, 9)]
    usage = server.probe.usage = ServerUsage(lambda: answers.pop(0), "engine", "redis", server.clock)
    run, observer = _observed(server)
    for second in (1, 2, 3):
        server.clock.now += 1
        usage.poll()
        _look(observer, second)
    assert run.observed.restarted_at_s == 3
    assert [(event.kind, event.text) for event in run.observed.events] == [("process-lost", "the server was restarted")]
