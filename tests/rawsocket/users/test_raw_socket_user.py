import locust  # isort: skip  # patches the process before anything else is imported

import argparse
import time
from collections.abc import Iterator
from typing import Any

import pytest
from gevent.server import StreamServer
from locust import TaskSet, constant, task
from locust.env import Environment
from locust.exception import StopUser

from rawsocket import LabUser, RawSocketUser
from rawsocket.engine import deadlines, schedule
from rawsocket.errors import RawSocketError
from rawsocket.measurement.locust_stats import BATCH
from rawsocket.measurement.recorder import RECORDER
from rawsocket.users import raw_socket_user as user_module
from rawsocket.wire.framing import Chunk, Line
from tests.support.local_run import LONG, Run, wait_until

pytestmark = pytest.mark.usefixtures("fresh_recorder")


class Server:
    """An echo server in this process that can drop its connections."""

    def __init__(self) -> None:
        self.peers: list[Any] = []
        self.greeting = b""
        self._server = StreamServer(("127.0.0.1", 0), self._talk)
        self._server.start()

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self._server.server_port}"

    def drop_all(self) -> None:
        while self.peers:
            self.peers.pop().shutdown(2)

    def stop(self) -> None:
        self._server.stop()

    def _talk(self, peer: Any, _address: Any) -> None:
        self.peers.append(peer)
        try:
            if self.greeting:
                peer.sendall(self.greeting)
                return
            while data := peer.recv(65536):
                peer.sendall(data)
        except OSError:
            pass


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


class AtOnce:
    """Arrivals without a spread: users start when Locust starts them."""

    poisson = False

    def add(self, newcomer: Any) -> None:
        newcomer.start(0.0)


@pytest.fixture(autouse=True)
def _no_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_module, "arrivals", AtOnce)


class Talker(LabUser):
    wait_time = constant(0.01)

    @task
    def talk(self) -> None:
        self.exchange()


class Waiter(RawSocketUser):
    wait_time = constant(1000)

    @task
    def nothing(self) -> None:
        pass


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


def test_named_failure_ends_the_task_and_not_the_user(server: Server, caplog: pytest.LogCaptureFixture):
    class AlwaysWrong(RawSocketUser):
        wait_time = constant(0.01)

        @task
        def ask(self) -> None:
            self.client.request(b"a", name="ask", expect=b"b")
            raise AssertionError("a failure must end the task")

    run = Run(AlwaysWrong, server.url, users=1)
    wait_until(lambda: run.fails("ask").get("wrong", 0) >= 3)
    assert run.runner.user_count == 1
    run.stop()
    assert run.errors == []
    assert "Traceback" not in caplog.text
    assert RECORDER.dropped["wrong"] == RECORDER.wrong


def test_task_can_catch_a_failure(server: Server):
    class CatchesFailures(RawSocketUser):
        wait_time = constant(0.01)
        caught = 0

        @task
        def ask(self) -> None:
            try:
                self.client.request(b"a", expect=b"b")
            except RawSocketError:
                type(self).caught += 1

    run = Run(CatchesFailures, server.url, users=1)
    wait_until(lambda: CatchesFailures.caught >= 2)
    run.stop()


def test_locust_handles_other_exceptions(server: Server):
    class Faulty(RawSocketUser):
        wait_time = constant(0.01)

        @task
        def fail(self) -> None:
            raise LookupError("of the user's own")

    run = Run(Faulty, server.url, users=1)
    wait_until(lambda: len(run.errors) >= 2)
    run.stop()
    assert isinstance(run.errors[0], LookupError)


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
    monkeypatch.setattr(schedule, "BACKOFF", 0.5)
    monkeypatch.setattr(schedule, "BACKOFF_LIMIT", 30.0)
    monkeypatch.setattr(
        user_module, "backoff", lambda failures, _: bounds.append(schedule.backoff(failures, lambda: 1)) or 0
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


def test_exceptions_of_a_task_are_counted_and_logged_once(server: Server, caplog: pytest.LogCaptureFixture):
    class Faulty(Talker):
        @task
        def talk(self) -> None:
            self.exchange()
            raise LookupError("token")

    run = Run(Faulty, server.url, users=2)
    wait_until(lambda: len(run.errors) >= 6)
    run.stop()
    [error] = RECORDER.scenario_errors.report()
    assert (error.type, error.message, error.count) == ("LookupError", "token", len(run.errors))
    assert error.where.endswith("in talk()")
    assert caplog.text.count("Traceback") == 1
    assert RECORDER.failures == 0


@pytest.mark.parametrize("method", ["on_start", "on_stop"])
def test_exception_of_on_start_or_on_stop_is_counted(server: Server, method: str):
    def fail(self: RawSocketUser) -> None:
        raise LookupError("token")

    user_class: Any = type("Faulty", (Waiter,), {method: fail})
    run = Run(user_class, server.url, users=1)
    wait_until(lambda: RECORDER.held or RECORDER.scenario_errors.report())
    run.stop()
    wait_until(RECORDER.scenario_errors.report)
    [error] = RECORDER.scenario_errors.report()
    assert (error.type, error.where.rpartition(" ")[2]) == ("LookupError", "fail()")


def test_call_without_a_connection_is_an_error_of_the_scenario(server: Server):
    class Unconnected(RawSocketUser):
        wait_time = constant(1000)
        reconnects = False

        @task
        def nothing(self) -> None:
            self.another_client().request(b"x")

    run = Run(Unconnected, server.url, users=1)
    wait_until(lambda: run.errors)
    run.stop()
    [error] = RECORDER.scenario_errors.report()
    assert error.message == "this call needs a connection: connect() before it"


@pytest.mark.parametrize("last_words", [b"", b"bye\n"])
def test_every_client_of_a_user_is_watched(server: Server, last_words: bytes):
    """The server closes them all between two calls, also after words that nobody has read."""

    class Several(RawSocketUser):
        wait_time = constant(1000)
        reconnects = False

        @task
        def open(self) -> None:
            self.clients = [self.another_client() for _ in range(5)]
            for client in self.clients:
                client.connect()

        def on_stop(self) -> None:
            for client in self.clients:
                client.close()

    run = Run(Several, server.url, users=2)
    wait_until(lambda: len(server.peers) == 10 and RECORDER.held == 10)
    for peer in server.peers:
        peer.sendall(last_words)
    server.drop_all()
    wait_until(lambda: RECORDER.held == 0)
    assert RECORDER.dropped == {"closed": 10}
    assert run.fails("drop") == {"closed": 10}
    run.stop()
    assert RECORDER.dropped == {"closed": 10}
