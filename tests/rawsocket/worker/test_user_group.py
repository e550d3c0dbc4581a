import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import argparse
import time
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from locust import User, constant, task
from locust.env import Environment
from locust.runners import LocalRunner

from rawsocket import Connect, LabSession, Session, Wait
from rawsocket.measurement.recorder import RECORDER
from rawsocket.worker.user_group import SLICE_S, UserGroup, UserStopper, in_slices
from tests.support import echo
from tests.support.local_run import LONG, wait_until
from tests.support.sessions import OPTIONS


class One(LabSession):
    def session(self) -> Session:
        yield Connect()
        yield Wait(LONG * 10)


class Two(One):
    weight = 2


class Plain(User):
    wait_time = constant(LONG * 10)

    @task
    def nothing(self) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    RECORDER.begin_run()
    with echo.running("echo") as (host, port):
        yield f"tcp://{host}:{port}"
    assert RECORDER.held == 0


def runner(url: str, *classes: Any, **options: Any) -> LocalRunner:
    environment = Environment(user_classes=list(classes), host=url, **options)
    made = environment.create_local_runner()
    environment.parsed_options = argparse.Namespace(**OPTIONS, timeout=LONG)
    UserStopper(made)
    return made


def test_user_counts_by_class_follow_starts_and_stops(url: str):
    made = runner(url, One, Two, Plain)
    made.start(8, spawn_rate=8)
    wait_until(lambda: made.user_count == 8)
    assert made.user_classes_count == {"One": 2, "Two": 4, "Plain": 2}
    wait_until(lambda: RECORDER.held == 6)
    made.start(4, spawn_rate=8)
    wait_until(lambda: made.user_count == 4)
    assert made.user_classes_count == {"One": 1, "Two": 2, "Plain": 1}
    made.quit()
    assert made.user_classes_count == {"One": 0, "Two": 0, "Plain": 0}
    assert made.user_greenlets.dying == set()


@pytest.mark.parametrize("stop_timeout", [0, LONG * 10])
def test_all_users_stop_at_once(url: str, stop_timeout: float):
    made = runner(url, One, Plain, stop_timeout=stop_timeout)
    made.start(6, spawn_rate=6)
    wait_until(lambda: RECORDER.held == 3)
    made.quit()
    assert made.user_count == 0


def test_plain_group_is_counted_by_locust(url: str):
    environment = Environment(user_classes=[Plain], host=url)
    made = environment.create_local_runner()
    made.start(2, spawn_rate=2)
    wait_until(lambda: made.user_count == 2)
    assert made.user_classes_count == {"Plain": 2}
    made.quit()


def test_greenlet_that_ends_by_itself_is_no_longer_counted():
    group = UserGroup()

    class Ends:
        pass

    group.spawn(lambda user: gevent.sleep(0), Ends())
    assert group.count_by_class()[Ends] == 1
    group.join()
    assert group.count_by_class()[Ends] == 0


def test_killone_leaves_no_dying_user(url: str):
    made = runner(url, One)
    made.start(1, spawn_rate=1)
    wait_until(lambda: RECORDER.held == 1)
    [user] = made.user_greenlets
    made.user_greenlets.killone(user)
    assert (made.user_count, made.user_greenlets.dying) == (0, set())
    made.quit()


def test_event_loop_turns_while_many_users_stop():
    """The loop itself has to turn; sleep(0) would run only other greenlets, for a tenth of a second."""
    loop = gevent.get_hub().loop

    def slow(_: Any) -> None:
        until = time.perf_counter() + SLICE_S / 2
        while time.perf_counter() < until:
            pass

    gevent.sleep(0.001)
    before = loop.iteration
    in_slices(range(20), slow)
    assert loop.iteration - before >= 8
