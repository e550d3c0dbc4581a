"""The number of a user, for both kinds of users, on a local runner against a real server."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from collections.abc import Iterator
from typing import Any

import pytest
from locust import constant, task

from rawsocket import Close, Connect, Line, RawSocketUser, Request, Session, SessionUser, Wait
from rawsocket.identity.user_numbers import NUMBERS
from tests.support import echo
from tests.support.local_run import LONG, Run, wait_until

pytestmark = pytest.mark.usefixtures("fresh_recorder")


class Sessions(SessionUser):
    """A session that notes its number, and ends after a request."""

    framing = Line()
    seen: list[int] = []  # noqa: RUF012 - the test empties it

    def session(self) -> Session:
        yield Connect()
        self.seen.append(self.number)
        yield Request(b"ping", expect=b"ping")
        yield Close()
        yield Wait(0.01)


class Tasks(RawSocketUser):
    """A user that notes its number in each task, and reconnects."""

    framing = Line()
    wait_time = constant(0.01)
    seen: list[int] = []  # noqa: RUF012 - the test empties it

    @task
    def ping(self) -> None:
        self.seen.append(self.number)
        self.client.request(b"ping", expect=b"ping")
        self.client.close()


@pytest.fixture
def server() -> Iterator[str]:
    NUMBERS.begin_run()
    Sessions.seen.clear()
    Tasks.seen.clear()
    with echo.running("echo") as (host, port):
        yield f"tcp://{host}:{port}"


@pytest.mark.parametrize("user_class", [Sessions, Tasks])
def test_a_user_keeps_its_number_over_sessions_and_reconnects(server: str, user_class: Any) -> None:
    run = Run(user_class, server, users=3, arrivals="even")
    wait_until(lambda: all(user_class.seen.count(number) > 2 for number in (0, 1, 2)))
    run.stop()
    assert set(user_class.seen) == {0, 1, 2}


def test_users_of_all_classes_share_one_numbering(server: str) -> None:
    run = Run([Sessions, Tasks], server, users=4, arrivals="even")
    wait_until(lambda: len({*Sessions.seen, *Tasks.seen}) == 4)
    run.stop()
    assert {*Sessions.seen, *Tasks.seen} == {0, 1, 2, 3}
    assert not set(Sessions.seen) & set(Tasks.seen)


@pytest.mark.parametrize("user_class", [Sessions, Tasks])
def test_a_user_starts_only_when_its_number_has_come(
    server: str, user_class: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int, list[int]]] = []
    monkeypatch.setattr(NUMBERS, "_send", lambda *message: told.append(message))
    run = Run(user_class, server, users=2, arrivals="even")
    wait_until(lambda: told and run.runner.user_count == 2)
    NUMBERS.receive(NUMBERS.run, [41])
    wait_until(lambda: user_class.seen)
    run.stop()
    assert set(user_class.seen) == {41}
    assert [number for _, _, back in told for number in back] == [41]
    assert sum(wanted for _, wanted, _ in told) == 2


@pytest.mark.parametrize("user_class", [Sessions, Tasks])
def test_a_user_that_is_stopped_before_its_number_came_ends(
    server: str, user_class: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NUMBERS, "_send", lambda *message: None)
    run = Run(user_class, server, users=2, arrivals="even", stop_timeout=LONG)
    wait_until(lambda: run.runner.user_count == 2)
    run.stop()
    assert run.runner.user_count == 0
    assert user_class.seen == []


@pytest.mark.parametrize("user_class", [Sessions, Tasks])
def test_reading_the_number_too_early_says_what_to_do(server: str, user_class: Any) -> None:
    run = Run(user_class, server, users=1, arrivals="even")
    user = user_class(run.environment)
    with pytest.raises(RuntimeError, match=r"^self\.number is known from the user's start on, not in __init__: use it"):
        _ = user.number
    run.stop()
