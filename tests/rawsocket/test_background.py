import ast

import gevent
import pytest

from rawsocket.background import Tasks
from tests.meta.conftest import sources, text

# Each ends by itself: a query, a start, a stop, the end of a run.
SHORT_LIVED = {
    "rawsocket/background.py",
    "rawsocket/attach.py",
    "rawsocket/attach_master.py",
    "rawsocket/headless.py",
    "rawsocket/engine/connect/resolver.py",
    "rawsocket/master/controller.py",
    "rawsocket/master/levels/driver.py",
    "rawsocket/users/session/background_calls.py",
}


@pytest.fixture
def died() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def tasks(died: list[tuple[str, str]]) -> Tasks:
    tasks = Tasks()
    tasks.listen(lambda name, reason: died.append((name, reason)))
    return tasks


def test_task_that_raises_is_dead_with_its_reason(tasks: Tasks, died: list[tuple[str, str]]) -> None:
    tasks.start("clock", lambda: 1 / 0).join()
    [(name, reason)] = died
    assert name == "clock"
    assert reason.startswith("ZeroDivisionError at ")
    assert reason.endswith(": division by zero")
    assert tasks.dead == {name: reason}


@pytest.mark.parametrize(("forever", "dead"), [(True, {"probe": "it ended"}), (False, {})])
def test_task_that_returns_is_dead_if_it_was_to_run_forever(tasks: Tasks, forever: bool, dead: dict[str, str]) -> None:
    tasks.start("probe", lambda: None, forever=forever).join()
    assert tasks.dead == dead


def test_killed_task_is_not_dead(tasks: Tasks) -> None:
    task = tasks.start("clock", gevent.sleep, 1000)
    gevent.sleep(0)
    task.kill()
    assert tasks.dead == {}


def test_no_long_lived_greenlet_is_started_elsewhere() -> None:
    spawns = {
        path
        for path in sources("rawsocket")
        for node in ast.walk(ast.parse(text(path)))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "gevent.spawn"
    }
    assert spawns <= SHORT_LIVED
