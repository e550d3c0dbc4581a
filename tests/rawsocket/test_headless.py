import csv
import json
import re
import signal
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from rawsocket.verdict import words
from tests.support.busy_machine import retried_if_busy, retry_on_busy_machine
from tests.support.hlogs import read
from tests.support.locust_fleet import SOON, LocustFleet, locust_fleet
from tests.support.pinned import ARTEFACTS
from tests.support.server_process import ServerProcess, running_server

RUN = {"HEADLESS": "true", "USERS": 60, "RATE": 60, "TIME": "7s", "MAX_P99_MS": 60_000}


@pytest.fixture(scope="module")
def server() -> ServerProcess:  # type: ignore[misc]
    with running_server("--app", "echo") as server:
        yield server


def test_a_run_whose_files_can_not_be_written_has_its_verdict_on_the_console_and_exits_with_1(
    tmp_path: Path, server: ServerProcess
) -> None:
    (tmp_path / "runs").write_text("no folder")
    with locust_fleet(tmp_path, server, **RUN) as fleet:
        assert fleet.exit_code() == 1
        *_, trouble, last = fleet.out().splitlines()
        assert re.fullmatch(r"verdict: \w+ \(exit code 1\)", last)
        assert re.fullmatch(r"could not write verdict\.json, .* in \S+: File exists \(exit code 1\)", trouble)
        assert "Traceback" not in fleet.err()


def _table(fleet: LocustFleet, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((fleet.runs / name).read_text().splitlines()))


@retry_on_busy_machine
def test_passing_run_writes_consistent_artefacts(tmp_path: Path, server: ServerProcess) -> None:
    with locust_fleet(tmp_path, server, **RUN) as fleet:
        fleet.ends_with(0)
        assert [worker.wait(30) for worker in fleet.workers] == [0, 0]
    assert {path.name for path in fleet.runs.iterdir()} == ARTEFACTS
    assert {path.stat().st_mode & 0o777 for path in fleet.runs.iterdir()} == {0o644}

    verdict = fleet.verdict()
    assert (verdict["verdict"], verdict["held"]["steady_min"], verdict["held"]["server_steady_min"]) == ("pass", 60, 60)
    assert verdict["connections"]["attempted"] == verdict["connections"]["connected"] == 60
    held = verdict["thresholds"][0]
    assert (held["name"], held["limit"], held["actual"], held["ok"]) == ("min_held", 60, 60, True)
    assert held["text"] == "60 connections held; at least 60 were demanded"
    assert verdict["server"]["accepted_total"] == 60
    assert all(0 < worker["cpu_share"] < 0.9 for worker in verdict["generator"]["workers"])
    messages = verdict["messages"]
    assert messages["sent"] == messages["answered"] + messages["wrong"] + messages["unanswered"]
    assert verdict["server"]["messages_total"] == messages["sent"]

    stats = {row["name"]: row for row in _table(fleet, "stats.csv")}
    assert int(stats["connect"]["requests"]) == verdict["connections"]["attempted"]
    assert int(stats["message"]["requests"]) - int(stats["message"]["failures"]) == messages["answered"]
    assert int(stats["Aggregated"]["requests"]) == sum(
        int(r["requests"]) for n, r in stats.items() if n != "Aggregated"
    )
    assert _table(fleet, "failures.csv") == []
    logged = read(fleet.runs / "latency.hlog")
    assert logged["from-due"].get_total_count() == messages["answered"] + messages["waiting"]
    assert logged["first-byte"].get_total_count() == messages["answered"]
    assert messages["missing"] == 0
    assert logged["connect"].get_total_count() == verdict["connections"]["connected"]
    for tag, column in (("from-due", "p99_ms"), ("from-sent", "sent_p99_ms"), ("first-byte", "first_p99_ms")):
        assert logged[tag].get_value_at_percentile(99.0) / 1000 == float(stats["message"][column])
    assert max(int(row["held"]) for row in _table(fleet, "timeline.csv")) == 60

    junit = ElementTree.parse(fleet.runs / "junit.xml").getroot()
    assert [case.get("name") for case in junit] == ["run", "min_held", "max_failures", "max_p99_ms"]
    environment = json.loads((fleet.runs / "env.json").read_text())
    assert environment["settings"]["users"] == 60
    assert "PATH" not in json.dumps(environment)

    out = fleet.out()
    assert re.search(r"^held 60/60  messages \S+/s  p99 \S+( ms)?  failures 0  0:0\d of 0:07$", out, re.M), out
    assert f"\nReport: {fleet.runs}/report.html\nverdict: pass (exit code 0)\n" in out
    assert "Ledger" not in out
    assert "Response time percentiles" not in fleet.err()


@retry_on_busy_machine
def test_run_with_too_few_held_connections_exits_with_3(tmp_path: Path) -> None:
    with (
        running_server("--app", "echo", "--max-connections", "40") as server,
        locust_fleet(tmp_path, server, **RUN, MIN_HELD=50) as fleet,
    ):
        fleet.ends_with(3)
    verdict = fleet.verdict()
    assert (verdict["verdict"], verdict["held"]["steady_min"]) == ("fail", 40)
    assert verdict["connections"]["failed"].keys() == {"server-full"}
    assert {row["failure"] for row in _table(fleet, "failures.csv")} == {"server-full"}
    # A message that a late refusal catches fails by the same name in its own row: it is no attempt to connect.
    attempts = [row for row in _table(fleet, "failures.csv") if row["name"] in ("connect", "reconnect")]
    assert sum(int(row["count"]) for row in attempts) == sum(verdict["connections"]["failed"].values())
    assert ElementTree.parse(fleet.runs / "junit.xml").getroot().get("failures") == "2"


def test_run_with_a_lost_worker_exits_with_4_and_held_falls(tmp_path: Path, server: ServerProcess) -> None:
    with locust_fleet(tmp_path, server, lost_after_s=SOON, **{**RUN, "TIME": "14s"}) as fleet:
        fleet.wait(lambda state: state["held"] == 60)
        fleet.workers[0].send_signal(signal.SIGKILL)
        fleet.wait(lambda state: state["held"] == 30)
        assert fleet.exit_code() == 4, fleet.out() + fleet.err()[-4000:]
    verdict = fleet.verdict()
    assert verdict["verdict"] == "unknown"
    assert sorted(worker["lost"] for worker in verdict["generator"]["workers"]) == [False, True]
    assert "was lost" in verdict["reasons"][0]


def test_run_ends_at_once_when_all_workers_are_lost(tmp_path: Path, server: ServerProcess) -> None:
    with locust_fleet(tmp_path, server, lost_after_s=SOON, **{**RUN, "TIME": "1h"}) as fleet:
        fleet.wait(lambda state: state["held"] == 60)
        for worker in fleet.workers:
            worker.send_signal(signal.SIGKILL)
        assert fleet.exit_code() == 4
    assert {path.name for path in fleet.runs.iterdir()} == ARTEFACTS
    assert all(worker["lost"] for worker in fleet.verdict()["generator"]["workers"])


def test_run_without_workers_exits_with_4_and_writes_artefacts(tmp_path: Path) -> None:
    with locust_fleet(tmp_path, None, workers=0, **RUN) as fleet:
        assert fleet.exit_code() == 4, fleet.err()
    assert {path.name for path in fleet.runs.iterdir()} == ARTEFACTS
    assert "no worker came" in fleet.verdict()["reasons"]


def test_run_with_too_many_users_exits_with_2_and_starts_none(tmp_path: Path, server: ServerProcess) -> None:
    before = server.metrics()["accepted_total"]
    with locust_fleet(tmp_path, server, descriptors=128, **{**RUN, "USERS": 300}) as fleet:
        assert fleet.exit_code() == 2, fleet.err()
        assert "300 users on 2 workers" in fleet.err()
        assert "WORKERS=5 or more" in fleet.err()
    assert server.metrics()["accepted_total"] == before


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


MINE = {**RUN, "SCENARIO": "mine", "USERS": 10, "RATE": 10}


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
    assert all(level["to_s"] >= level["held_s"] + 4 for level in verdict["levels"])
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
    assert [row["type"] for row in _table(fleet, "failures.csv")] == ["scenario"]
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
    verdict, timeline = fleet.verdict(), _table(fleet, "timeline.csv")
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


def test_json_for_the_lab(tmp_path: Path, server: ServerProcess) -> None:
    with locust_fleet(
        tmp_path, server, **{**RUN, "TIME": "3s", "HOLDFAST_PROGRESS": "json", "VERBOSE": "yes"}
    ) as fleet:
        fleet.exit_code()
    *seconds, last = map(json.loads, fleet.out().splitlines())
    assert {tuple(second) for second in seconds} == {("progress",)}
    assert seconds[-1]["progress"]["held"] == seconds[-1]["progress"]["wanted"] == 60
    assert last["result"] == fleet.verdict()
    assert (set(last["files"]), last["trouble"]) == (ARTEFACTS, "")
    assert "Your selected spawn rate" not in fleet.err()


def test_setting_without_effect_is_named_on_the_console(tmp_path: Path, server: ServerProcess) -> None:
    cwd = own_scenario(tmp_path)
    with locust_fleet(tmp_path, server, cwd=cwd, **{**MINE, "EVERY": 3, "TIME": "2s"}) as fleet:
        fleet.exit_code()
    assert "EVERY=3 has no effect: mine.py never uses it" in fleet.err()


@pytest.mark.parametrize(
    ("reply", "progress", "code"), [(b"+PONG\n", "text", None), (b"+NO\n", "json", 3), (b"+NO\n", "text", 3)]
)
def test_check_before_the_run(
    reply: bytes, progress: str, code: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    from types import SimpleNamespace
    from typing import Any

    from rawsocket import Connect, Line, Request, SessionUser
    from rawsocket.headless import HeadlessRun
    from rawsocket.settings.plan import Plan
    from tests.support.checks import answering, environment, serving

    class Mine(SessionUser):
        framing = Line()

        def session(self) -> Any:
            yield Connect()
            yield Request(b"PING", expect=b"+PONG")

    with serving(answering({b"PING\n": reply})) as url:
        controller: Any = SimpleNamespace(
            plan=Plan(check="yes", foreign=True, scenario="mine", progress=progress),
            environment=environment(url, Mine),
            runner=SimpleNamespace(user_classes=[Mine]),
        )
        run = HeadlessRun(controller, None)
        assert run._check() is (code is None)
    assert (run.refused, controller.environment.process_exit_code) == (code is not None, code)
    out = capsys.readouterr().out
    assert out.startswith('{"check": {') == (progress == "json")
    assert ("FAILED at " in out) == (progress == "text" and code == 3)


def test_mistake_that_the_check_finds_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    from types import SimpleNamespace
    from typing import Any

    from rawsocket import SessionUser
    from rawsocket.headless import HeadlessRun
    from rawsocket.settings.plan import Plan
    from tests.support.checks import environment

    class Broken(SessionUser):
        def session(self) -> Any:
            yield 1

    controller: Any = SimpleNamespace(
        plan=Plan(check="yes", foreign=True, scenario="mine"),
        environment=environment("tcp://127.0.0.1:1", Broken),
        runner=SimpleNamespace(user_classes=[Broken]),
    )
    assert not HeadlessRun(controller, None)._check()
    assert controller.environment.process_exit_code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "TypeError: a session yields steps, like Connect() or Wait(1), not 1" in err
