"""What users send when they are stopped."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import time
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from locust import constant, task

from rawsocket.measurement.recorder import RECORDER
from rawsocket.users.raw_socket_user import RawSocketUser
from rawsocket.users.session_user import SessionUser
from rawsocket.users.steps import Close, Connect, Heartbeat, Request, Send, Wait
from rawsocket.wire.framing import Line
from rawsocket.worker.user_group import UserStopper
from tests.support.facades import serving
from tests.support.local_run import Run, wait_until

pytestmark = pytest.mark.usefixtures("fresh_recorder", "long_timeouts")


class Service:
    """Echoes lines and keeps them; it does not answer those that begin with `mute`."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def __call__(self, sock: Any) -> None:
        for line in sock.makefile("rb"):
            self.lines.append(line.rstrip(b"\n"))
            if not line.startswith(b"mute"):
                sock.sendall(line)


@pytest.fixture
def service() -> Iterator[tuple[Service, str]]:
    made = Service()
    with serving(made) as port:
        yield made, f"tcp://127.0.0.1:{port}"


class Leaving(SessionUser):
    abstract = True
    framing = Line()
    first = b"hello"
    last = b"QUIT"

    def session(self):
        yield Connect()
        yield Request(self.first, "hello")
        yield Wait(30)

    def goodbye(self):
        yield Request(self.last, "quit")


class LeavingUser(RawSocketUser):
    abstract = True
    framing = Line()
    wait_time = constant(30)
    first = b"hello"
    last = b"QUIT"

    @task
    def hello(self):
        self.client.request(self.first, name="hello")

    def goodbye(self):
        self.client.request(self.last, name="quit")


BOTH = pytest.mark.parametrize("kind", [Leaving, LeavingUser])


def stopped(user_class: type[Any], url: str, ready: Any, **options: Any) -> float:
    """Run three users, stop them when `ready()`, and return the seconds that the stop took."""
    run = Run(user_class, url, **options)
    UserStopper(run.runner)
    try:
        wait_until(ready)
        begun = time.perf_counter()
        run.runner.stop()
        return time.perf_counter() - begun
    finally:
        run.runner.quit()


@BOTH
@pytest.mark.parametrize("stop_timeout", [0, 30])
def test_users_say_goodbye_when_they_are_stopped(kind: type[Any], service: tuple[Service, str], stop_timeout: int):
    server, url = service

    class Quitting(kind):  # type: ignore[valid-type, misc]
        pass

    stopped(
        Quitting, url, lambda: server.lines.count(b"hello") == 3 and RECORDER.answered == 3, stop_timeout=stop_timeout
    )
    assert server.lines.count(b"QUIT") == 3
    assert (RECORDER.goodbyes_begun, RECORDER.goodbyes_said, RECORDER.held, RECORDER.failures) == (3, 3, 0, 0)


class Beating(SessionUser):
    abstract = True
    framing = Line()

    def session(self):
        yield Connect()
        yield Heartbeat(0.01, b"beat %d" % self.number)
        yield Wait(30)

    def goodbye(self):
        yield Request(b"QUIT %d" % self.number, "quit")
        yield Wait(0.1)


class BeatingUser(RawSocketUser):
    abstract = True
    framing = Line()
    wait_time = constant(30)

    @task
    def beat(self):
        self.client.heartbeat(0.01, b"beat %d" % self.number)

    def goodbye(self):
        self.client.request(b"QUIT %d" % self.number, name="quit")
        gevent.sleep(0.1)


@pytest.mark.parametrize("kind", [Beating, BeatingUser])
def test_heartbeats_end_when_the_goodbye_begins(kind: type[Any], service: tuple[Service, str]):
    server, url = service

    class Concrete(kind):  # type: ignore[valid-type, misc]
        pass

    stopped(Concrete, url, lambda: all(server.lines.count(b"beat %d" % number) > 1 for number in range(3)))
    last = [[line for line in server.lines if line.endswith(b"%d" % number)][-1] for number in range(3)]
    assert last == [b"QUIT 0", b"QUIT 1", b"QUIT 2"]
    assert RECORDER.failures == 0


@BOTH
def test_goodbye_is_bounded_in_time(kind: type[Any], service: tuple[Service, str]):
    _, url = service

    class Mute(kind):  # type: ignore[valid-type, misc]
        last = b"mute"
        goodbye_timeout = 0.3

    seconds = stopped(Mute, url, lambda: RECORDER.answered == 3)
    assert 0.2 < seconds < 20
    assert (RECORDER.goodbyes_begun, RECORDER.goodbyes_said, RECORDER.held) == (3, 0, 0)


@BOTH
def test_goodbye_does_not_wait_for_a_reply_that_is_outstanding(kind: type[Any], service: tuple[Service, str]):
    server, url = service

    class Waiting(kind):  # type: ignore[valid-type, misc]
        first = b"mute hello"
        last = b"QUIT"
        goodbye_timeout = 20.0

        def goodbye(self):
            if isinstance(self, SessionUser):
                return self.quit()
            self.client.send(b"QUIT", reply=False)
            return None

        def quit(self):
            yield Send(b"QUIT", reply=False)

    seconds = stopped(Waiting, url, lambda: server.lines.count(b"mute hello") == 3)
    assert seconds < 15
    wait_until(lambda: server.lines.count(b"QUIT") == 3)
    assert RECORDER.unanswered == 3


def test_user_without_a_connection_has_no_goodbye():
    class Unconnected(Leaving):
        def session(self):
            yield Wait(30)

    run = Run(Unconnected, "tcp://127.0.0.1:9")
    UserStopper(run.runner)
    wait_until(lambda: RECORDER.sessions_begun == 3)
    run.runner.stop()
    run.runner.quit()
    gevent.sleep(0)
    assert RECORDER.goodbyes_begun == 0


@BOTH
def test_exception_in_a_goodbye_is_an_error_of_the_scenario_and_logged_once(
    kind: type[Any], service: tuple[Service, str], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    _, url = service

    class Broken(kind):  # type: ignore[valid-type, misc]
        def goodbye(self):
            if isinstance(self, SessionUser):
                return self.quit()
            raise KeyError("token")

        def quit(self):
            yield Send(b"QUIT", reply=False)
            raise KeyError("token")

    stopped(Broken, url, lambda: RECORDER.answered == 3)
    [error] = RECORDER.scenario_errors.report()
    assert (error.type, error.count) == ("KeyError", 3)
    assert (RECORDER.goodbyes_begun, RECORDER.goodbyes_said, RECORDER.held) == (3, 0, 0)
    assert (caplog.text + capfd.readouterr().err).count('raise KeyError("token")') == 1


@BOTH
def test_goodbye_of_the_other_kind_of_user_is_an_error_of_the_scenario(kind: type[Any], service: tuple[Service, str]):
    _, url = service

    class Mixed(kind):  # type: ignore[valid-type, misc]
        def goodbye(self):
            return self.steps() if isinstance(self, RawSocketUser) else None

        def steps(self):
            yield Send(b"QUIT", reply=False)

    assert stopped(Mixed, url, lambda: RECORDER.answered == 3) < 20
    [error] = RECORDER.scenario_errors.report()
    assert (error.type, error.count, error.library) == ("NotAGenerator", 3, False)
    assert (RECORDER.goodbyes_begun, RECORDER.goodbyes_said, RECORDER.held) == (3, 0, 0)


def test_goodbye_that_raises_at_once_ends_the_user(service: tuple[Service, str]):
    _, url = service

    class Raising(Leaving):
        def goodbye(self):
            raise KeyError("token")

    assert stopped(Raising, url, lambda: RECORDER.answered == 3) < 20
    assert [error.type for error in RECORDER.scenario_errors.report()] == ["KeyError"]


@BOTH
def test_step_without_a_connection_in_a_goodbye_is_an_error_of_the_scenario(
    kind: type[Any], service: tuple[Service, str]
):
    _, url = service

    class Twice(kind):  # type: ignore[valid-type, misc]
        def goodbye(self):
            if isinstance(self, SessionUser):
                return self.leave()
            self.another_client().request(self.last)

        def leave(self):
            yield Close()
            yield Send(b"QUIT", reply=False)

    stopped(Twice, url, lambda: RECORDER.answered == 3)
    [error] = RECORDER.scenario_errors.report()
    assert (error.type, error.count) == ("NotConnected", 3)
