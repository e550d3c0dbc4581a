import json
import re
import signal
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.support.busy_machine import retry_on_busy_machine
from tests.support.hlogs import read
from tests.support.locust_fleet import HEADLESS, SOON, locust_fleet
from tests.support.pinned import ARTEFACTS
from tests.support.server_process import ServerProcess, running_server


@pytest.fixture(scope="module")
def server() -> ServerProcess:  # type: ignore[misc]
    with running_server("--app", "echo") as server:
        yield server


def test_a_run_whose_files_can_not_be_written_has_its_verdict_on_the_console_and_exits_with_1(
    tmp_path: Path, server: ServerProcess
) -> None:
    (tmp_path / "runs").write_text("no folder")
    with locust_fleet(tmp_path, server, **HEADLESS) as fleet:
        assert fleet.exit_code() == 1
        *_, trouble, last = fleet.out().splitlines()
        assert re.fullmatch(r"verdict: \w+ \(exit code 1\)", last)
        assert re.fullmatch(r"could not write verdict\.json, .* in \S+: File exists \(exit code 1\)", trouble)
        assert "Traceback" not in fleet.err()


@retry_on_busy_machine
def test_passing_run_writes_consistent_artefacts(tmp_path: Path, server: ServerProcess) -> None:
    with locust_fleet(tmp_path, server, **HEADLESS) as fleet:
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

    stats = {row["name"]: row for row in fleet.table("stats.csv")}
    assert int(stats["connect"]["requests"]) == verdict["connections"]["attempted"]
    assert int(stats["message"]["requests"]) - int(stats["message"]["failures"]) == messages["answered"]
    assert int(stats["Aggregated"]["requests"]) == sum(
        int(r["requests"]) for n, r in stats.items() if n != "Aggregated"
    )
    assert fleet.table("failures.csv") == []
    logged = read(fleet.runs / "latency.hlog")
    assert logged["from-due"].get_total_count() == messages["answered"] + messages["waiting"]
    assert logged["first-byte"].get_total_count() == messages["answered"]
    assert messages["missing"] == 0
    assert logged["connect"].get_total_count() == verdict["connections"]["connected"]
    for tag, column in (("from-due", "p99_ms"), ("from-sent", "sent_p99_ms"), ("first-byte", "first_p99_ms")):
        assert logged[tag].get_value_at_percentile(99.0) / 1000 == float(stats["message"][column])
    assert max(int(row["held"]) for row in fleet.table("timeline.csv")) == 60

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
        locust_fleet(tmp_path, server, **HEADLESS, MIN_HELD=50) as fleet,
    ):
        fleet.ends_with(3)
    verdict = fleet.verdict()
    assert (verdict["verdict"], verdict["held"]["steady_min"]) == ("fail", 40)
    assert verdict["connections"]["failed"].keys() == {"server-full"}
    assert {row["failure"] for row in fleet.table("failures.csv")} == {"server-full"}
    # A message that a late refusal catches fails by the same name in its own row: it is no attempt to connect.
    attempts = [row for row in fleet.table("failures.csv") if row["name"] in ("connect", "reconnect")]
    assert sum(int(row["count"]) for row in attempts) == sum(verdict["connections"]["failed"].values())
    assert ElementTree.parse(fleet.runs / "junit.xml").getroot().get("failures") == "2"


def test_run_with_a_lost_worker_exits_with_4_and_held_falls(tmp_path: Path, server: ServerProcess) -> None:
    with locust_fleet(tmp_path, server, lost_after_s=SOON, **{**HEADLESS, "TIME": "14s"}) as fleet:
        fleet.wait(lambda state: state["held"] == 60)
        fleet.workers[0].send_signal(signal.SIGKILL)
        fleet.wait(lambda state: state["held"] == 30)
        assert fleet.exit_code() == 4, fleet.out() + fleet.err()[-4000:]
    verdict = fleet.verdict()
    assert verdict["verdict"] == "unknown"
    assert sorted(worker["lost"] for worker in verdict["generator"]["workers"]) == [False, True]
    assert "was lost" in verdict["reasons"][0]


def test_run_ends_at_once_when_all_workers_are_lost(tmp_path: Path, server: ServerProcess) -> None:
    with locust_fleet(tmp_path, server, lost_after_s=SOON, **{**HEADLESS, "TIME": "1h"}) as fleet:
        fleet.wait(lambda state: state["held"] == 60)
        for worker in fleet.workers:
            worker.send_signal(signal.SIGKILL)
        assert fleet.exit_code() == 4
    assert {path.name for path in fleet.runs.iterdir()} == ARTEFACTS
    assert all(worker["lost"] for worker in fleet.verdict()["generator"]["workers"])


def test_run_without_workers_exits_with_4_and_writes_artefacts(tmp_path: Path) -> None:
    with locust_fleet(tmp_path, None, workers=0, **HEADLESS) as fleet:
        assert fleet.exit_code() == 4, fleet.err()
    assert {path.name for path in fleet.runs.iterdir()} == ARTEFACTS
    assert "no worker came" in fleet.verdict()["reasons"]


def test_run_with_too_many_users_exits_with_2_and_starts_none(tmp_path: Path, server: ServerProcess) -> None:
    before = server.metrics()["accepted_total"]
    with locust_fleet(tmp_path, server, descriptors=128, **{**HEADLESS, "USERS": 300}) as fleet:
        assert fleet.exit_code() == 2, fleet.err()
        assert "300 users on 2 workers" in fleet.err()
        assert "WORKERS=5 or more" in fleet.err()
    assert server.metrics()["accepted_total"] == before


def test_json_for_the_lab(tmp_path: Path, server: ServerProcess) -> None:
    with locust_fleet(
        tmp_path, server, **{**HEADLESS, "TIME": "3s", "HOLDFAST_PROGRESS": "json", "VERBOSE": "yes"}
    ) as fleet:
        fleet.exit_code()
    *seconds, last = map(json.loads, fleet.out().splitlines())
    assert {tuple(second) for second in seconds} == {("progress",)}
    assert seconds[-1]["progress"]["wanted"] == 60
    assert 0 < max(second["progress"]["held"] for second in seconds) <= 60
    assert last["result"] == fleet.verdict()
    assert (set(last["files"]), last["trouble"]) == (ARTEFACTS, "")
    assert "Your selected spawn rate" not in fleet.err()


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
