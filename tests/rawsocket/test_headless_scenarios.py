"""Runs without the page of a scenario of the user's own: its load shape, its exceptions, its exit code."""

from pathlib import Path

import pytest

from rawsocket.verdict import words
from tests.support.busy_machine import retried_if_busy, retry_on_busy_machine
from tests.support.locust_fleet import HEADLESS, locust_fleet
from tests.support.pinned import ARTEFACTS
from tests.support.server_process import ServerProcess, running_server


@pytest.fixture(scope="module")
def server() -> ServerProcess:  # type: ignore[misc]
    with running_server("--app", "echo") as server:
        yield server


SESSION = """
from locust import LoadTestShape, events
from rawsocket import Connect, Due, Line, Request, SessionUser

class Mine(SessionUser):
    framing = Line()

    def session(self):
        yield Connect()
        while True:
            yield Due(0.5)
            yield Request(b"hi", name="hi", expect=b"hi")
            {then}

{more}
"""

QUITTING = """
@events.quitting.add_listener
def decide(environment, **_):
    environment.process_exit_code = {code}
"""

SHAPE = """
class Steps(LoadTestShape):
    steps = [(6, 4), (6, 8), (6, 2)]

    def tick(self):
        at, passed = self.get_run_time(), 0
        for seconds, users in self.steps:
            passed += seconds
            if at < passed:
                return users, 100
        return None
"""

BROKEN_SHAPE = """
class Steps(LoadTestShape):
    def tick(self):
        if self.get_run_time() > 3:
            raise LookupError("tick")
        return 4, 100
"""


def own_scenario(folder: Path, then: str = "pass", more: str = "") -> Path:
    """Return a working directory whose only scenario is `mine`."""
    (folder / "locustfiles").mkdir()
    (folder / "locustfiles/mine.py").write_text(SESSION.format(then=then, more=more))
    return folder


MINE = {**HEADLESS, "SCENARIO": "mine", "USERS": 10, "RATE": 10}

CLIMB = """
from rawsocket import Steps

Mine.shape = Steps(4, 8, by=4, hold=4)
"""


@retry_on_busy_machine
def test_load_shape_of_ours_is_followed_and_each_level_is_judged(tmp_path: Path, server: ServerProcess) -> None:
    with locust_fleet(tmp_path, server, cwd=own_scenario(tmp_path, more=CLIMB), **{**MINE, "TIME": "3s"}) as fleet:
        fleet.ends_with(0)
    said, verdict = fleet.said(), fleet.verdict()
    assert "Load shape: 4 to 8 users by 4, 4 s each, at RATE=10; it decides on users and time" in said
    assert "PASS holds 8 users" in said
    with retried_if_busy(verdict):
        assert [(level["users"], level["held_min"], level["verdict"]) for level in verdict["levels"]] == [
            (4, 4, "pass"),
            (8, 8, "pass"),
        ]
        assert verdict["ledger"]["reconciled"], verdict["ledger"]
    assert all(level["to_s"] - level["held_s"] > 3.998 for level in verdict["levels"])  # both are rounded to 1 ms
    assert (verdict["run"]["shape"], verdict["held"]["wanted"]) == ("Steps", 8)
    assert "Levels of the load shape" in (fleet.runs / "report.html").read_text()


def test_exceptions_of_a_scenario_end_a_run_with_1(tmp_path: Path, server: ServerProcess) -> None:
    cwd = own_scenario(tmp_path, then='{}["token"]')
    with locust_fleet(tmp_path, server, cwd=cwd, **MINE) as fleet:
        assert fleet.exit_code() == 1, fleet.err()[-4000:]
    verdict = fleet.verdict()
    [error] = verdict["scenario_errors"]
    assert (error["type"], error["where"]) == ("KeyError", "locustfiles/mine.py:13 in session()")
    reason = f"the scenario raised KeyError {error['count']} times, first at locustfiles/mine.py:13 in session()"
    assert verdict["reasons"][0].startswith(reason)
    assert words.sentence(reason) in fleet.said()
    assert "the scenario raised KeyError at locustfiles/mine.py:13" in fleet.err()
    assert [row["type"] for row in fleet.table("failures.csv")] == ["scenario"]
    assert fleet.err("worker-0").count("Traceback") == 1


@retry_on_busy_machine
@pytest.mark.parametrize(("theirs", "limit", "code"), [(0, 0.001, 3), (1, 60_000, 1), (0, 60_000, 0)])
def test_exit_code_of_a_scenario_and_that_of_the_verdict_the_worse_stands(
    tmp_path: Path, server: ServerProcess, theirs: int, limit: float, code: int
) -> None:
    cwd = own_scenario(tmp_path, more=QUITTING.format(code=theirs))
    with locust_fleet(tmp_path, server, cwd=cwd, **{**MINE, "MAX_P99_MS": limit}) as fleet:
        fleet.ends_with(code)
    assert {path.name for path in fleet.runs.iterdir()} == ARTEFACTS
    verdict = fleet.verdict()
    assert verdict["exit_code"] == code
    assert any(reason.startswith("the scenario set the exit code") for reason in verdict["reasons"]) == (code != 0)
    assert f"(exit code {code})" in fleet.out()


@retry_on_busy_machine
def test_load_shape_is_followed_up_and_down(tmp_path: Path, server: ServerProcess) -> None:
    with locust_fleet(tmp_path, server, cwd=own_scenario(tmp_path, more=SHAPE), **MINE) as fleet:
        fleet.ends_with(0)
    said = (
        "Steps, the scenario's load shape, decides on users, rate and time: USERS=10, RATE=10 and TIME=7s are ignored"
    )
    assert said in fleet.out()
    assert ", by its load shape\n" in fleet.out()
    verdict, timeline = fleet.verdict(), fleet.table("timeline.csv")
    assert [row["event"] for row in timeline if row["event"]] == [
        "4 users at 100/s",
        "8 users at 100/s",
        "2 users at 100/s",
    ]
    assert (verdict["run"]["shape"], verdict["run"]["users"]) == ("Steps", 8)
    assert {int(row["held"]) for row in timeline} >= {4, 8, 2}
    assert verdict["run"]["steady_s"] > 6
    [check] = [check for check in verdict["thresholds"] if check["name"] == "min_held"]
    assert check["ok"]
    assert check["limit"] == check["actual"]


def test_load_shape_that_raises_ends_the_run_with_1(tmp_path: Path, server: ServerProcess) -> None:
    with locust_fleet(tmp_path, server, cwd=own_scenario(tmp_path, more=BROKEN_SHAPE), **MINE) as fleet:
        assert fleet.exit_code() == 1, fleet.err()[-4000:]
    assert fleet.verdict()["reasons"][0].startswith(
        "the scenario raised LookupError once, first at locustfiles/mine.py"
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("class A(int)\n", "locustfiles/mine.py:1: SyntaxError: expected ':'"),
        ("import nothing_like_it\n", "locustfiles/mine.py:1: No module named 'nothing_like_it'"),
        ("from rawsocket import SessionUser\n", "mine.py: there is no user class in it"),
        (
            "from rawsocket import SessionUser\nclass A(SessionUser): pass\n",
            "mine.py:2: ScenarioMistake: A is a SessionUser",
        ),
    ],
)
def test_mistake_in_a_scenario_file_is_one_line_and_exit_code_2(tmp_path: Path, source: str, said: str) -> None:
    cwd = own_scenario(tmp_path)
    (cwd / "locustfiles/mine.py").write_text(source)
    with locust_fleet(tmp_path, None, workers=0, cwd=cwd, **MINE) as fleet:
        assert fleet.exit_code() == 2
    assert said in fleet.err().splitlines()[-1]
    assert "Traceback" not in fleet.err()


BROKEN_CLOCK = """
from rawsocket.master.controller import RunController

def tick(self, count=[]):
    count.append(1)
    if len(count) > 8:
        raise LookupError("no such row")

RunController.tick = tick
"""

LISTENER = """
@events.request.add_listener
def note(**_):
    raise LookupError("no such user")
"""


def test_dead_task_of_the_master_ends_the_run_with_1(tmp_path: Path, server: ServerProcess) -> None:
    cwd = own_scenario(tmp_path, more=BROKEN_CLOCK)
    with locust_fleet(tmp_path, server, cwd=cwd, **{**MINE, "TIME": "1h"}) as fleet:
        assert fleet.exit_code() == 1, fleet.err()[-4000:]
    reason = fleet.verdict()["reasons"][0]
    assert reason.startswith("the master's task 'clock' died: LookupError at ")
    assert words.sentence(reason) in fleet.said()


def test_listener_that_raises_is_an_error_of_the_scenario(tmp_path: Path, server: ServerProcess) -> None:
    with locust_fleet(tmp_path, server, cwd=own_scenario(tmp_path, more=LISTENER), **MINE) as fleet:
        assert fleet.exit_code() == 1, fleet.err()[-4000:]
    [error] = fleet.verdict()["scenario_errors"]
    assert (error["type"], error["where"]) == ("LookupError", "locustfiles/mine.py:18 in note()")
    assert error["count"] > 50
    assert fleet.err("worker-0").count("Traceback") == 1


def test_setting_without_effect_is_named_on_the_console(tmp_path: Path, server: ServerProcess) -> None:
    cwd = own_scenario(tmp_path)
    with locust_fleet(tmp_path, server, cwd=cwd, **{**MINE, "EVERY": 3, "TIME": "2s"}) as fleet:
        fleet.exit_code()
    assert "EVERY=3 has no effect: mine.py never uses it" in fleet.err()
