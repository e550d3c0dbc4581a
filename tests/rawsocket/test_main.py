import importlib
import signal
import socket
from pathlib import Path

import pytest

from rawsocket.settings.plan import Plan
from tests.support.locust_fleet import free_port, locust_fleet, run_module
from tests.support.server_process import running_server

entry = importlib.import_module("rawsocket.__main__")


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        ((), {}, "usage: python -m rawsocket master|worker"),
        (("director",), {}, "usage"),
        (("master",), {"SCENARIO": "calm"}, "expected one of churn, closed, hold, mixed, storm, tutorial"),
        (("worker",), {"TIMEOUT": "0"}, "TIMEOUT"),
        (("worker",), {"SCENARIO": "mine", "HOLDFAST_CONVERSATION": "/nowhere.json"}, "/nowhere.json: No such file"),
        (("worker",), {"SOURCES": "here"}, "SOURCES='here' is not valid: expected IP addresses"),
        (
            ("worker",),
            {"TARGET": "tls://127.0.0.1:1", "TLS_CA": "/nowhere.pem"},
            "TLS_CA=/nowhere.pem: no such file; give a path",
        ),
        (
            ("worker",),
            {"TARGET": "tls://127.0.0.1:1", "TLS_KEY": "k.pem"},
            "TLS_KEY=k.pem: a key needs its certificate: set TLS",
        ),
        (("worker",), {"TLS_VERIFY": "perhaps"}, "TLS_VERIFY='perhaps' is not valid: expected true or false"),
        (("worker",), {"SOURCES": "127.0.0.1,192.0.2.1"}, "192.0.2.1 can't be used"),
    ],
)
def test_invalid_setting_is_a_one_line_error_and_exit_code_2(
    arguments: tuple[str, ...], settings: dict[str, object], said: str
) -> None:
    done = run_module(*arguments, **settings)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_port_in_use_is_a_one_line_error_and_exit_code_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_module("master", HOLDFAST_PAGE_PORT=port, HOLDFAST_MASTER_PORT=free_port())
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "HOLDFAST_PAGE_PORT" in done.stderr


def test_master_never_uses_the_headless_mode_of_locust() -> None:
    arguments = entry.master_arguments(Plan(scenario="hold", users=7, headless=True, target="tcp://a:1"))
    assert "--locustfile=locustfiles/hold.py" in arguments
    assert "--users=7" in arguments
    assert "--headless" not in arguments


def test_scenario_in_a_folder_below() -> None:
    arguments = entry.worker_arguments(Plan(scenario="protocols/redis_commands"))
    assert "--locustfile=locustfiles/protocols/redis_commands.py" in arguments


def test_conversation_needs_no_file_of_its_name() -> None:
    arguments = entry.worker_arguments(Plan(scenario="mine", conversation="/plan.json"))
    assert f"--locustfile={entry.CONVERSATION}" in arguments
    assert entry.CONVERSATION.is_file()


def test_worker_gets_the_address_of_its_master() -> None:
    arguments = entry.worker_arguments(Plan(scenario="hold", master_host="master", master_port=7))
    assert {"--worker", "--master-host=master", "--master-port=7"} <= set(arguments)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_exits_with_130_and_writes_artefacts(tmp_path: Path, number: signal.Signals) -> None:
    settings = {"HEADLESS": "true", "USERS": 40, "RATE": 40, "TIME": "60s"}
    with running_server("--app", "echo") as server, locust_fleet(tmp_path, server, **settings) as fleet:
        fleet.wait(lambda state: state["held"] == 40)
        fleet.master.send_signal(number)
        assert fleet.exit_code() == 130
        verdict = fleet.verdict()
        assert (verdict["verdict"], verdict["exit_code"]) == ("unknown", 130)
        assert "interrupted" in verdict["reasons"][0]
        assert "Held connections" in (fleet.runs / "report.html").read_text()
        assert [worker.wait(30) for worker in fleet.workers] == [0, 0]


def test_settings_of_another_locust_do_not_reach_master_and_workers(tmp_path: Path) -> None:
    """Each of these would end the master, or move its page."""
    (tmp_path / ".locust.conf").write_text("headless = true\nweb-login = true\n")
    foreign = {"HOME": tmp_path, "LOCUST_AUTOSTART": "true", "LOCUST_WEB_BASE_PATH": "/x", "LOCUST_PROCESSES": "2"}
    with locust_fleet(tmp_path, None, workers=1, **foreign) as fleet:
        fleet.wait(lambda state: state["state"] == "ready" and len(state["workers"]) == 1)
        fleet.master.send_signal(signal.SIGINT)
        assert fleet.exit_code() == 0


def test_page_without_a_run_exits_with_0(tmp_path: Path) -> None:
    with locust_fleet(tmp_path, None, workers=0, WORKERS=2) as fleet:
        fleet.wait(lambda state: state["state"] == "ready")
        fleet.master.send_signal(signal.SIGINT)
        assert fleet.exit_code() == 0
        assert not fleet.runs.exists()


def test_headless_worker_stays_until_it_is_terminated(tmp_path: Path) -> None:
    settings = {"HEADLESS": "true", "USERS": 4, "RATE": 4, "TIME": "3s", "HOLDFAST_LINGER": "true"}
    with running_server("--app", "echo") as server, locust_fleet(tmp_path, server, 1, **settings) as fleet:
        fleet.exit_code()
        worker = fleet.workers[0]
        with pytest.raises(Exception, match="timed out"):
            worker.wait(2)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0


def test_master_with_a_page_waits_for_the_server_before_it_starts() -> None:
    done = run_module("master", HOLDFAST_SERVER=f"tcp://127.0.0.1:{free_port()}", HOLDFAST_SERVER_WAIT="0.2")
    assert done.returncode == 2
    waiting, refused = done.stderr.splitlines()
    assert waiting.startswith("waiting for tcp://127.0.0.1:")
    assert refused.startswith("your server can't be reached on port ")
