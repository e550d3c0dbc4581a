from collections.abc import Iterator
from typing import Any

import pytest
from locust import constant, task

from rawsocket import RawSocketUser
from rawsocket.errors import RawSocketError
from rawsocket.measurement.recorder import RECORDER
from tests.support.dropping_server import DroppingServer as Server
from tests.support.local_run import Run, wait_until
from tests.support.raw_socket_users import Talker, Waiter

pytestmark = pytest.mark.usefixtures("fresh_recorder")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


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
