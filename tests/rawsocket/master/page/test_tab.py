import json
import urllib.request
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from rawsocket.master.page import tab
from rawsocket.master.server_probe import ServerProbe
from tests.support.busy_machine import demand_pass, retry_on_busy_machine
from tests.support.controllers import controller_bench
from tests.support.locust_fleet import LocustFleet, locust_fleet
from tests.support.reports import report
from tests.support.server_process import ServerProcess, running_server


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with running_server("--app", "echo") as server:
        yield server


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, server: ServerProcess) -> Iterator[LocustFleet]:
    with locust_fleet(tmp_path_factory.mktemp("page"), server, descriptors=256) as fleet:
        fleet.wait(lambda state: len(state["workers"]) == 2)
        yield fleet


def _start(fleet: LocustFleet, users: int = 40, **form: str) -> None:
    answer = fleet.page.swarm(users, 100, **form)
    assert answer["success"], answer


def _stop(fleet: LocustFleet) -> dict[str, object]:
    assert fleet.page.post("/stop")[0] == 200
    return fleet.wait(lambda state: state["state"] in ("stopped", "ready") and state["held"] == 0 and state["verdict"])


def _wait_for_connects(fleet: LocustFleet, number: int) -> None:
    """A connection is held before it counts as connected: it must first prove usable."""
    fleet.wait(lambda _: f"holdfast_load_connects_total {number}.0" in fleet.page.text("/metrics"))


def _held(fleet: LocustFleet) -> list[int]:
    held: list[int] = json.loads(fleet.page.text("/lab/timeline.json"))["held"]
    return held


def test_script_is_inserted_at_the_end_of_the_body() -> None:
    assert tab.with_script("<body>x</body>", "/lab/held_chart.js") == (
        '<body>x<script src="/lab/held_chart.js"></script>\n</body>'
    )
    assert tab.with_script("no body", "/x") == "no body"


def test_table_has_lag_and_turns_of_each_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        for worker in ("a", "b"):
            bench.add_worker(worker)
        bench.start()
        for second, worst in ((1.0, 70_001), (2.0, 3004)):
            lag = {"lags": [[800, 95], [3000, 5]], "worst_us": worst, "turns": second * 250, "steal_s": second / 4}
            bench.controller.receive("a", report(wall_s=second, cpu_s=second / 5, lag=lag))
        a, b = tab.workers(bench.controller)
        total, _, *rows = tab.table(bench.controller)
    assert (a["lag_p99_ms"], a["lag_max_ms"]) == (pytest.approx(3, rel=0.001), 70.001)
    assert (a["turns_s"], a["stolen_share"], a["throttled_share"]) == (250, 0.25, None)
    assert {b[name] for name in ("lag_p99_ms", "lag_max_ms", "turns_s", "stolen_share", "throttled_share")} == {None}
    assert [(row["cpu"], row["lag"], row["turns"]) for row in rows] == [("20%", "3.0 / 70.0", 250), ("", "", "")]
    assert (total["lag"], total["turns"]) == ("", "")


def test_connections_without_a_byte_are_named_above_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of live workers that are open, and those that have ended."""
    with controller_bench(monkeypatch) as bench:
        for worker in ("a", "b"):
            bench.add_worker(worker)
        bench.start()
        assert (tab.state(bench.controller)["silent_connections"], tab.table(bench.controller)[0]["state"]) == (0, "")
        bench.controller.receive("a", report(silent=3, connections={"unproven": 2}))
        bench.controller.receive("b", report(silent=4))
        state = tab.state(bench.controller)
    assert state["silent_connections"] == 9
    assert state["table"]["rows"][0]["state"] == "no byte on 9 connections"


SHARED = """holdfast_server_info{model="select"} 1.0
holdfast_server_connections 5.0
holdfast_server_processes_wanted 2.0
holdfast_server_respawns_total 1.0
holdfast_server_process_connections{process="0"} 3.0
holdfast_server_process_connections{process="1"} 2.0
"""


def test_state_and_row_of_the_server_show_its_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        bench.controller.probe = ServerProbe("http://server:8687", lambda _: SHARED)
        before = tab.state(bench.controller)
        bench.controller.probe.poll()
        after = tab.state(bench.controller)
    assert (before["server"], before["server_processes"], before["server_held"]) == (None, [], None)
    assert after["server_processes"] == [{"process": 0, "held": 3}, {"process": 1, "held": 2}]
    assert (after["server"]["model"], after["server"]["respawns"], after["server_held"]) == ("select", 1, 5)
    rows = [state["table"]["rows"][1] for state in (before, after)]
    assert [(row["name"], row["state"], row["held"]) for row in rows] == [
        (tab.SERVER, "", "unknown"),
        (tab.SERVER, "select: 2 of 2 processes, 2 to 3 each, 1 respawned", 5),
    ]


def test_page_before_the_first_run(fleet: LocustFleet) -> None:
    assert fleet.page.text("/lab/healthz") == "ok\n"
    html = fleet.page.text("/")
    assert '"extended_tabs": [{"key": "held", "title": "Held connections"}]' in html
    assert "lab/held_chart.js" in html
    assert '"every"' in html  # the lab's flags are in the form ...
    assert fleet.environment["HOLDFAST_SERVER"] in html  # ... and the host is filled in
    script = fleet.page.text("/lab/held_chart.js")
    assert "eval(" not in script
    assert "http" not in script.replace("http://www.w3.org/2000/svg", "")


def test_answers_have_no_cors_header(fleet: LocustFleet) -> None:
    for path in ("/", "/stats/requests", "/lab/state.json"):
        with urllib.request.urlopen(fleet.page.address + path) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers


@retry_on_busy_machine
def test_state_table_metrics_and_server_agree_on_held(fleet: LocustFleet, server: ServerProcess) -> None:
    _start(fleet)
    state = fleet.wait(lambda state: state["held"] == state["server_held"] == 40 and state["state"] == "running")
    assert (state["users"], [worker["held"] for worker in state["workers"]]) == (40, [20, 20])
    assert server.metrics()["connections"] == 40
    assert (state["server"]["model"], state["server_processes"]) == ("select", [])

    rows = fleet.page.text("/stats/requests")
    assert rows.count('"key": "held"') == 1
    assert all(f'"{key}": ' in rows for key, _ in tab.COLUMNS)
    _wait_for_connects(fleet, 40)
    metrics = fleet.page.text("/metrics")
    assert "holdfast_load_held 40.0" in metrics
    assert "holdfast_load_users 40.0" in metrics
    assert "holdfast_load_connects_total 40.0" in metrics
    assert 'holdfast_load_messages_total{outcome="wrong"} 0.0' in metrics

    fleet.wait(lambda state: state["elapsed_s"] > 4 and all(worker["turns_s"] for worker in state["workers"]))
    demand_pass(_stop(fleet)["verdict"])
    assert "Held connections" in fleet.page.text("/stats/report")
    assert (fleet.runs / "verdict.json").exists()


def test_second_run_starts_at_zero(fleet: LocustFleet) -> None:
    _start(fleet)
    fleet.wait(lambda state: state["held"] == 40)
    _stop(fleet)
    _start(fleet, users=10)
    state = fleet.wait(lambda state: state["held"] == fleet.page.metric("holdfast_load_connects_total") == 10)
    assert state["verdict"] is None
    _wait_for_connects(fleet, 10)
    fleet.wait(lambda state: state["elapsed_s"] > 3 and _held(fleet)[-1:] == [10])
    assert max(_held(fleet)) == 10
    _stop(fleet)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"users": 40, "host": "tcp://127.0.0.1:9"}, "target-refused"),
        ({"users": 40, "host": "http://example.com"}, "target-refused"),
        ({"users": 1000}, "WORKERS="),
        ({"users": 40, "every": "-5"}, "EVERY"),
    ],
)
def test_refused_start_gets_a_message_and_makes_no_connection(
    fleet: LocustFleet, server: ServerProcess, form: dict[str, object], said: str
) -> None:
    before = server.metrics()["accepted_total"]
    answer = fleet.page.swarm(int(str(form.pop("users"))), 100, **{k: str(v) for k, v in form.items()})
    assert answer["success"] is False
    assert said in answer["message"]
    assert fleet.page.state()["state"] in ("ready", "stopped")
    assert server.metrics()["accepted_total"] == before


@pytest.mark.parametrize("path", ["/swarm", "/stop", "/stats/reset", "/user"])
@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_foreign_pages_cannot_change_anything(fleet: LocustFleet, path: str, headers: dict[str, str]) -> None:
    status, body = fleet.page.post(path, headers, user_count="1", spawn_rate="1")
    assert (status, body.count("\n")) == (403, 1)


def test_held_falls_with_a_killed_worker_and_the_run_can_be_stopped(fleet: LocustFleet) -> None:
    _start(fleet)
    fleet.wait(lambda state: state["held"] == 40)
    fleet.workers[0].kill()
    fleet.wait(lambda state: state["held"] == 20)
    last = _stop(fleet)["verdict"]
    assert last["verdict"] == "unknown"
    assert "was lost" in last["reasons"][0]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("1000,login=3000", None),
        ("login=fast", "MAX_P99_MS='login=fast' is not valid: expected a number of at least 0, alone or for a row"),
    ],
)
def test_form_takes_limits_of_rows(monkeypatch: pytest.MonkeyPatch, value: str, error: str | None) -> None:
    with controller_bench(monkeypatch) as bench:
        said = tab.refuse_start(bench.controller, {"max_p99_ms": value})
    assert said is None if error is None else str(said).startswith(error)


def test_limits_of_rows_from_the_form_are_judged(fleet: LocustFleet) -> None:
    _start(fleet, 5, max_p99_ms="60000,message=60000,never=1", max_failures="1%")
    _wait_for_connects(fleet, 5)
    verdict = _stop(fleet)["verdict"]
    assert isinstance(verdict, dict)
    assert any("max_p99_ms[never]" in reason and "no row never" in reason for reason in verdict["reasons"])


def test_healthz_and_state_name_a_dead_task(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        app = Flask("page")
        page: Any = SimpleNamespace(app=app, auth_required_if_enabled=lambda view: view)
        app.register_blueprint(tab._routes(bench.controller, page, ""))
        client = app.test_client()
        assert (client.get("/lab/healthz").status_code, client.get("/lab/healthz").text) == (200, "ok\n")
        monkeypatch.setattr(tab.TASKS, "dead", {"clock": "ValueError: negative shift count"})
        answer = client.get("/lab/healthz")
        assert (answer.status_code, answer.text) == (503, "the task 'clock' died: ValueError: negative shift count\n")
        assert client.get("/lab/state.json").get_json()["dead_tasks"] == tab.TASKS.dead
