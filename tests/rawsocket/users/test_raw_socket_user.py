import locust  # isort: skip  # patches the process before anything else is imported

import argparse
import time
from collections.abc import Iterator
from typing import Any

import pytest
from locust import TaskSet, constant, task
from locust.env import Environment
from locust.exception import StopUser

from rawsocket import RawSocketUser
from rawsocket.engine import deadlines
from rawsocket.engine.engine import engine
from rawsocket.measurement.locust_stats import BATCH
from rawsocket.measurement.recorder import RECORDER
from rawsocket.users import raw_socket_user as user_module
from rawsocket.users import reconnect
from rawsocket.wire.framing import Chunk, Line
from tests.support.dropping_server import DroppingServer as Server
from tests.support.local_run import LONG, Run, wait_until
from tests.support.raw_socket_users import Talker, Waiter

pytestmark = pytest.mark.usefixtures("fresh_recorder")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


def test_locust_and_the_recorder_count_the_same(server: Server):
    run = Run(Talker, server.url)
    wait_until(lambda: RECORDER.answered > 20 and RECORDER.held == 3)
    run.stop()
    assert run.row("connect") == RECORDER.connected == RECORDER.closed == 3
    assert RECORDER.failures == 0
    assert run.errors == []


def test_users_connect_one_after_the_other_though_locust_starts_them_in_a_batch(
    server: Server, monkeypatch: pytest.MonkeyPatch
):
    class Held:
        poisson = False
        newcomers: list[Any] = []  # noqa: RUF012

        def add(self, newcomer: Any) -> None:
            self.newcomers.append(newcomer)

    monkeypatch.setattr(user_module, "arrivals", Held)
    run = Run(Talker, server.url)
    wait_until(lambda: len(Held.newcomers) == 3)
    Held.newcomers[0].start(time.perf_counter())
    wait_until(lambda: RECORDER.answered > 3)
    assert RECORDER.connected == 1  # the other two wait for their moments
    run.stop()
    Held.newcomers[1].start(time.perf_counter())  # its user has gone
    assert RECORDER.sent == RECORDER.answered + RECORDER.unanswered


@pytest.mark.parametrize("stop_timeout", [0, LONG * 10])
def test_stop_is_instant_while_users_wait(server: Server, stop_timeout: float):
    run = Run(Waiter, server.url, stop_timeout=stop_timeout)
    wait_until(lambda: RECORDER.connected == 3)
    run.stop()
    assert RECORDER.closed == 3


@pytest.mark.parametrize("stop_timeout", [0, LONG * 10])
def test_stop_is_instant_while_users_back_off(server: Server, stop_timeout: float, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(user_module, "backoff", lambda failures, chance: LONG * 10)
    server.stop()
    run = Run(Waiter, server.url, stop_timeout=stop_timeout)
    wait_until(lambda: run.fails("connect") == {"refused": 3})
    run.stop()
    assert RECORDER.attempted == 3


def test_user_reconnects_during_its_wait(server: Server):
    run = Run(Waiter, server.url)
    wait_until(lambda: RECORDER.connected == 3)
    server.drop_all()
    wait_until(lambda: RECORDER.reconnects == 3)
    run.stop()
    assert run.fails("drop") == {"closed": 3}
    assert RECORDER.dropped == {"closed": 3}
    assert (run.row("connect"), run.row("reconnect")) == (3, 3)


def test_user_reconnects_during_the_wait_of_a_nested_taskset(server: Server):
    class Nested(RawSocketUser):
        wait_time = constant(0)

        @task
        class Inner(TaskSet):
            wait_time = constant(1000)

            @task
            def say(self) -> None:
                self.user.client.request(b"inner", name="inner", expect=b"inner")

    run = Run(Nested, server.url, users=1)
    wait_until(lambda: run.row("inner") == 1)
    server.drop_all()
    wait_until(lambda: RECORDER.reconnects == 1)
    run.stop()
    assert RECORDER.failures == 1


def test_refused_user_backs_off_without_sending_and_connects_later(server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deadlines, "SETTLES_AFTER", LONG)
    monkeypatch.setattr(user_module, "SETTLES_AFTER", LONG)
    server.greeting = b"ERR server full\n"
    run = Run(Waiter, server.url, users=2)
    wait_until(lambda: run.fails("reconnect").get("server-full", 0) >= 4)
    assert set(BATCH) == {"connect", "reconnect"}
    assert run.fails("connect") == {"server-full": 2}
    assert RECORDER.connected == 0
    server.greeting = b""
    monkeypatch.setattr(deadlines, "SETTLES_AFTER", 0.5)
    server.peers.clear()
    wait_until(lambda: len(server.peers) == 2 and RECORDER.held == 2)
    run.stop()
    assert set(RECORDER.failed) == {"server-full"}
    assert (RECORDER.connected, RECORDER.dropped) == (2, {})


def test_backoff_doubles_and_restarts_after_a_reply(server: Server, monkeypatch: pytest.MonkeyPatch):
    bounds: list[float] = []
    monkeypatch.setattr(reconnect, "BACKOFF", 0.5)
    monkeypatch.setattr(reconnect, "BACKOFF_LIMIT", 30.0)
    monkeypatch.setattr(
        user_module, "backoff", lambda failures, _: bounds.append(reconnect.backoff(failures, lambda: 1)) or 0
    )
    environment = Environment(user_classes=[Waiter], host=server.url)
    user = Waiter(environment)
    for _ in range(8):
        user._back_off()
    assert bounds == [0.5, 1, 2, 4, 8, 16, 30, 30]
    user.client.connect()
    user.client.close()
    user._back_off()
    assert bounds[-1] == 30
    user.client.connect()
    user.client.request(b"x", expect=b"x")
    user.client.close()
    user._back_off()
    user._back_off()
    assert bounds[-2:] == [0.5, 1]


def test_backoff_without_jitter_is_as_long_as_it_may_be(monkeypatch: pytest.MonkeyPatch):
    waits: list[float] = []
    monkeypatch.setattr(user_module.gevent, "sleep", waits.append)
    monkeypatch.setattr(engine(), "reconnect_random", reconnect.no_jitter)
    monkeypatch.setattr(reconnect, "BACKOFF", 0.5)
    monkeypatch.setattr(reconnect, "BACKOFF_LIMIT", 30.0)
    user = Waiter(Environment(user_classes=[Waiter]))
    for _ in range(8):
        user._back_off()
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize("cut_short", [StopUser, LookupError])
def test_connection_closes_when_its_user_ends(server: Server, cut_short: type[Exception]):
    class Leaving(RawSocketUser):
        def on_start(self) -> None:
            super().on_start()
            raise cut_short()

        def on_stop(self) -> None:
            pass  # forgets the connection

        @task
        def nothing(self) -> None:
            pass

    run = Run(Leaving, server.url, users=1)
    wait_until(lambda: run.runner.user_count == 0)
    wait_until(lambda: RECORDER.closed == 1)
    run.stop()


def test_user_with_an_empty_on_start_connects_before_its_first_task(server: Server):
    class Own(Talker):
        def on_start(self) -> None:
            pass

    run = Run(Own, server.url, users=1)
    wait_until(lambda: RECORDER.answered)
    run.stop()


def test_user_without_reconnects_manages_its_own_connection(server: Server):
    class Visitor(Talker):
        reconnects = False

        @task
        def talk(self) -> None:
            self.client.connect()
            try:
                self.exchange()
            finally:
                self.client.close()

    run = Run(Visitor, server.url, users=1)
    wait_until(lambda: RECORDER.answered >= 3)
    run.stop()
    assert run.row("reconnect") == 0
    assert RECORDER.connected == RECORDER.closed >= 3


def test_stop_is_instant_during_a_pause(server: Server):
    class Pausing(RawSocketUser):
        @task
        def rest(self) -> None:
            self.pause(1000)

    run = Run(Pausing, server.url, stop_timeout=LONG * 10)
    wait_until(lambda: RECORDER.connected == 3)
    run.stop()


def test_options_apply_unless_the_class_sets_them():
    environment = Environment(user_classes=[Talker], host="tcp://[::1]:7")
    environment.parsed_options = argparse.Namespace(timeout=3.0, framing="chunk")

    class Own(Talker):
        framing = Line(5)
        reply_timeout = 1.0

    made = Talker(environment).client
    assert (made.target.url, made.framing) == ("tcp://[::1]:7", Chunk())
    assert (made.connect_timeout, made.send_timeout, made.reply_timeout) == (3, 3, 3)
    made = Own(environment).client
    assert (made.framing, made.reply_timeout, made.connect_timeout) == (Line(5), 1, 3)


def test_line_limit_grows_with_the_size_option():
    environment = Environment(user_classes=[Talker], host="tcp://h:7")
    environment.parsed_options = argparse.Namespace(size=1_000_000)
    assert Talker(environment).client.framing == Line(1_000_000)


def test_default_host_is_the_lab_server():
    assert RawSocketUser.host == "tcp://server:8686"


def test_plain_locust_users_still_wait_and_run():
    ran: list[int] = []

    class Plain(locust.User):
        wait_time = constant(0.001)

        @task
        def count(self) -> None:
            ran.append(1)

    environment = Environment(user_classes=[Plain])
    runner = environment.create_local_runner()
    runner.start(1, spawn_rate=1)
    wait_until(lambda: len(ran) > 3)
    runner.quit()
