import io
import json
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from rawsocket.master.page import form, tab
from tests.support.busy_machine import demand_pass, retry_on_busy_machine
from tests.support.controllers import controller_bench
from tests.support.locust_fleet import SOON, LocustFleet, locust_fleet
from tests.support.server_process import ServerProcess, running_server


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with running_server("--app", "echo") as server:
        yield server


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, server: ServerProcess) -> Iterator[LocustFleet]:
    with locust_fleet(tmp_path_factory.mktemp("page"), server, descriptors=256, lost_after_s=SOON) as fleet:
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


def test_page_before_the_first_run(fleet: LocustFleet) -> None:
    assert fleet.page.text("/lab/healthz") == "ok\n"
    html = fleet.page.text("/")
    assert '"extended_tabs": [{"title": "Held connections", "key": "held"}]' in html
    assert '"every"' in html  # the lab's flags are in the form ...
    assert "p99 at most (ms)" in html  # ... with labels ...
    assert fleet.environment["HOLDFAST_SERVER"] in html  # ... and the host is filled in
    assert "<script src" not in html  # a browser may give up on a file that it loads beside the page


def test_scripts_ask_no_other_host_and_run_no_text() -> None:
    for name in ("form.js", "tables_and_tiles.js", "page.js"):
        script = (tab.STATIC / name).read_text()
        assert "eval(" not in script
        assert "innerHTML" not in script
        assert "http" not in script
    assert tab.with_scripts("no body") == "no body"


def test_styles_and_scripts_are_within_the_page_before_its_end() -> None:
    page = tab.with_scripts("<body>x</body>")
    for name in (*tab.STYLES, *tab.SCRIPTS):
        text = (tab.STATIC / name).read_text()
        assert page.count(text) == 1
        assert "</script" not in text.lower()
    assert page.startswith("<body>x<style>")
    assert page.endswith("</script>\n</body>")


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

    assert json.loads(fleet.page.text("/stats/requests"))["state"] == "running"
    assert state["run"]["id"] == json.loads(fleet.page.text("/lab/timeline.json"))["run"]
    assert fleet.page.post("/lab/artefacts.zip")[0] == 405
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fleet.page.text("/lab/artefacts.zip")
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
    state = fleet.wait(lambda state: "verdict.json" in state["artefacts"])
    assert json.loads(fleet.page.text("/lab/files/verdict.json"))["verdict"] == "pass"
    with urllib.request.urlopen(fleet.page.address + "/lab/artefacts.zip") as answer:
        files = zipfile.ZipFile(io.BytesIO(answer.read())).namelist()
    assert {name.partition("/")[2] for name in files} >= set(state["artefacts"])
    assert state["last_start"]["user_count"] == "40"


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
        said = form.refusal(bench.controller, {"max_p99_ms": value})
    assert said is None if error is None else str(said).startswith(error)


def test_limits_of_rows_from_the_form_are_judged(fleet: LocustFleet) -> None:
    """Locust's page sends them under this name."""
    _start(fleet, 5, max_p9_9ms="60000,message=60000,never=1", max_failures="1%")
    _wait_for_connects(fleet, 5)
    verdict = _stop(fleet)["verdict"]
    assert isinstance(verdict, dict)
    assert any("max_p99_ms[never]" in reason and "no row never" in reason for reason in verdict["reasons"])


def test_run_time_that_is_shorter_than_the_ramp_ends_the_run(fleet: LocustFleet, server: ServerProcess) -> None:
    assert fleet.page.swarm(100, 2, run_time="2s")["success"]
    begun = fleet.wait(lambda state: state["state"] == "spawning")
    ended = fleet.wait(lambda state: state["state"] == "stopped" and state["verdict"] and not state["users"])
    assert begun["run"]["id"] == ended["run"]["id"]
    server.wait_for_metrics(lambda metrics: metrics["connections"] == 0)


@pytest.mark.parametrize(("state", "told"), [("stopping", "running"), ("running", "running"), ("stopped", "stopped")])
def test_locusts_page_is_told_only_of_states_in_which_it_asks_again(
    monkeypatch: pytest.MonkeyPatch, state: str, told: str
) -> None:
    with controller_bench(monkeypatch) as bench:
        monkeypatch.setattr(bench.runner, "state", state)
        starts = form.Starts(bench.controller)
        assert tab.shown_state(bench.controller, starts) == told
        starts.accepted({})
        assert tab.shown_state(bench.controller, starts) == "spawning"


def test_form_has_the_values_of_the_last_run(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments: dict[str, Any] = {
        "extra_options": {name: {"default_value": 1} for name in ("max_p99_ms", "size", "new")}
    }
    with controller_bench(monkeypatch) as bench:
        bench.controller.environment.parsed_options.max_p99_ms = "77"
        tab.arrange(arguments, bench.controller, form.Starts(bench.controller))
    assert {name: option["default_value"] for name, option in arguments["extra_options"].items()} == {
        "size": 20,
        "new": 1,
        "max_p99_ms": "77",
    }
    assert list(arguments["extra_options"]) == ["size", "new", "max_p99_ms"]
    assert arguments["holdfast"]["about"]["scenario"] == "hold"


def test_form_names_the_server_when_it_answers_late(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        late = {"info": {"model": "epoll"}, "max_connections": 120}
        monkeypatch.setattr(
            bench.controller, "probe", SimpleNamespace(counters=None, last_known=late, rate=lambda _: None)
        )
        found = tab.about(bench.controller)
    assert (found["model"], found["cap"]) == ("epoll", 120)


def test_healthz_and_state_name_a_dead_task(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        app = Flask("page")
        page: Any = SimpleNamespace(app=app, auth_required_if_enabled=lambda view: view)
        app.register_blueprint(tab._routes(bench.controller, page, "", form.Starts(bench.controller)))
        client = app.test_client()
        assert (client.get("/lab/healthz").status_code, client.get("/lab/healthz").text) == (200, "ok\n")
        monkeypatch.setattr(tab.TASKS, "dead", {"clock": "ValueError: negative shift count"})
        answer = client.get("/lab/healthz")
        assert (answer.status_code, answer.text) == (503, "the task 'clock' died: ValueError: negative shift count\n")
        assert client.get("/lab/state.json").get_json()["dead_tasks"] == tab.TASKS.dead


CLIMB = """
from rawsocket import Connect, Due, LabSession, Request, Steps

class Mine(LabSession):
    shape = Steps(3, 9, by=3, hold="1m")

    def session(self):
        yield Connect()
        while True:
            yield Due(self.every)
            yield Request(b"hi")
"""


def test_load_shape_is_followed_from_the_page_until_users_are_changed(tmp_path: Path, server: ServerProcess) -> None:
    (tmp_path / "locustfiles").mkdir()
    (tmp_path / "locustfiles/mine.py").write_text(CLIMB)
    with locust_fleet(tmp_path, server, cwd=tmp_path, SCENARIO="mine") as fleet:
        fleet.wait(lambda state: len(state["workers"]) == 2)
        assert "3 to 9 users by 3, 60 s each" in fleet.page.text("/")
        _start(fleet, 40, run_time="3s")  # the shape decides on both
        state = fleet.wait(lambda state: state["levels"] and state["levels"][0]["held_min"] == 3)
        assert (state["users"], state["held"], state["shape"]["levels"]) == (3, 3, 3)
        _start(fleet, 5)
        state = fleet.wait(lambda state: len(state["levels"]) == 2 and state["levels"][1]["held_min"] == 5)
        assert [level["stopped"] for level in state["levels"]] == [True, False]
        state = _stop(fleet)
    assert [level["when"] for level in state["levels"]] == ["", "as set at the page"]
    assert state["levels"][1]["verdict"] is not None
