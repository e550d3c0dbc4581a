import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rawsocket.settings.declared import DECLARED, DeclaredSetting, ScenarioSetting, as_one, checked, read
from tests.support.locust_fleet import DEADLINE, environment, free_port, locust_fleet, run_module
from tests.support.server_process import running_server

SCENARIO = """
import os
from rawsocket import Connect, Due, Line, Request, ScenarioSetting, SessionUser

ScenarioSetting("topic", "news", "what to subscribe to", choices=("news", "sport"))
DEPTH = ScenarioSetting("depth", 3, type=int)
settings = [ScenarioSetting("token", secret=True)]
TOKEN = os.environ.get("TOKEN")


class Mine(SessionUser):
    framing = Line()

    def session(self):
        ScenarioSetting  # in a function nothing is declared
        yield Connect()
        while True:
            yield Due(0.2)
            assert self.option("token") == TOKEN or not TOKEN
            yield Request(b"ping", name=f"{self.option('topic')} {self.option('depth') + 1}")
"""


def scenario(folder: Path, text: str = SCENARIO) -> Path:
    (folder / "locustfiles").mkdir()
    (folder / "locustfiles/mine.py").write_text(text)
    return folder / "locustfiles/mine.py"


def rows(tmp_path: Path) -> list[DeclaredSetting]:
    return read(scenario(tmp_path))


def test_declarations_are_read_from_the_source(tmp_path: Path) -> None:
    found = [(row.variable, row.flag, row.start, row.secret, row.help) for row in rows(tmp_path)]
    assert found == [
        ("TOPIC", "--topic", "news", False, "what to subscribe to"),
        ("DEPTH", "--depth", 3, False, "a setting of the scenario"),
        ("TOKEN", "--token", None, True, "a setting of the scenario"),
    ]
    assert "mine" not in sys.modules
    assert DECLARED == {}


@pytest.mark.parametrize(
    ("kind", "default", "text", "value"),
    [(str, "a", "b", "b"), (int, 3, "-4", -4), (float, 0.5, "2", 2.0), (bool, False, "yes", True)],
)
def test_types(kind: Any, default: Any, text: str, value: Any) -> None:
    row = DeclaredSetting("some_thing", default, type=kind)
    assert (row.variable, row.flag) == ("SOME_THING", "--some-thing")
    assert row.start == default
    assert row.parse(text) == value


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ScenarioSetting(NAME)", "takes literals only, not NAME: the lab reads them from the file"),
        ("ScenarioSetting('Topic')", "'Topic' is no name of a setting: expected lower case letters, digits and _"),
        ("ScenarioSetting('users')", "a setting can't have the name 'users': USERS is taken; choose another one"),
        ("ScenarioSetting('user')", "a setting can't have the name 'user': USER is taken; choose another one"),
        ("ScenarioSetting('a', 'x', type=int)", "A='x' is not valid: expected a whole number. Set A or --a."),
        ("ScenarioSetting('a', 'x', choices=('b', 'c'))", "A='x' is not valid: expected one of b, c. Set A or --a."),
        ("ScenarioSetting('a', colour=1)", "ScenarioSetting got an unexpected keyword argument 'colour'"),
        ("ScenarioSetting(", "'(' was never closed"),
    ],
)
def test_a_fault_of_a_declaration_is_one_line_with_its_place(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"^locustfiles/mine\.py:2: ") as raised:
        read(scenario(tmp_path, f"# A scenario.\n{line}\n"))
    assert str(raised.value).endswith(said)


def test_values_come_from_their_variables_and_from_the_one_that_has_them_all(tmp_path: Path) -> None:
    environ = {"TOKEN": "s3cret", "DEPTH": " ", "SCENARIO_SETTINGS": '{"depth": 5, "TOPIC": "sport", "TOKEN": "old"}'}
    found = checked(rows(tmp_path), environ, "mine")
    assert found == {"TOKEN": "s3cret", "DEPTH": "5", "TOPIC": "sport"}
    assert checked(read(tmp_path / "locustfiles/mine.py"), {"SCENARIO_SETTINGS": as_one(found)}, "mine") == found


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "TOKEN is not set, and the scenario mine needs it: set TOKEN"),
        ({"TOKEN": "s", "DEPTH": "deep"}, "DEPTH='deep' is not valid: expected a whole number. Set DEPTH or --depth."),
        ({"SCENARIO_SETTINGS": "TOPIC=a"}, 'expected JSON like {"TOPIC": "news"}'),
        ({"SCENARIO_SETTINGS": '{"TOPIK": "a"}'}, "the scenario mine has no setting TOPIK; did you mean TOPIC?"),
        ({"SCENARIO_SETTINGS": '{"Q": "a"}'}, "the scenario mine has no setting Q; it declares TOPIC, DEPTH, TOKEN"),
    ],
)
def test_a_value_that_can_not_be_used_is_one_line(tmp_path: Path, environ: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as raised:
        checked(rows(tmp_path), environ, "mine")
    assert said in str(raised.value)


def test_the_value_of_a_secret_is_not_in_the_error() -> None:
    row = DeclaredSetting("pin", type=int, secret=True)
    with pytest.raises(ValueError, match=r"^PIN=\*\*\* is not valid: expected a whole number"):
        checked([row], {"PIN": "s3cret"}, "mine")


def test_an_import_declares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rawsocket.settings.declared.DECLARED", {})
    from rawsocket.settings import declared

    row = ScenarioSetting("topic", "news")
    assert dict(declared.DECLARED) == {"topic": row}


def test_settings_of_a_run_by_variable_and_by_the_form_of_the_page(tmp_path: Path) -> None:
    scenario(tmp_path)
    own = {"SCENARIO": "mine", "SCENARIO_SETTINGS": '{"TOPIC": "sport"}', "TOKEN": "s3cret"}
    with running_server("--app", "echo") as server, locust_fleet(tmp_path, server, 1, cwd=tmp_path, **own) as fleet:
        fleet.wait(lambda state: len(state["workers"]) == 1)
        page = fleet.page.text("/")
        assert '"topic"' in page
        assert '"depth"' in page
        assert "s3cret" not in page
        assert "DEPTH='deep' is not valid" in fleet.page.swarm(users=2, rate=2, depth="deep")["message"]
        fleet.page.swarm(users=2, rate=2, depth="7")
        fleet.wait(lambda _: '"sport 8"' in fleet.page.text("/stats/requests"))
        fleet.page.post("/stop")
        fleet.wait(lambda state: state["verdict"])
        files = {path.name: path.read_text() for path in fleet.runs.iterdir()}
    assert '"topic": "sport",\n    "depth": 7\n' in files["env.json"]
    assert [name for name, text in files.items() if "s3cret" in text] == []


@pytest.mark.parametrize("role", ["master", "worker"])
def test_a_setting_that_is_missing_ends_the_process_with_one_line(tmp_path: Path, role: str) -> None:
    scenario(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "rawsocket", role],
        cwd=tmp_path, env=environment(SCENARIO="mine", HOLDFAST_PAGE_PORT=free_port()),
        capture_output=True, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip
    said = "TOKEN is not set, and the scenario mine needs it: set TOKEN\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_settings_for_a_scenario_without_any_are_refused() -> None:
    done = run_module("master", SCENARIO_SETTINGS='{"TOPIC": "a"}')
    said = "SCENARIO_SETTINGS: the scenario hold has no setting TOPIC; it declares none\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_plain_locust_has_the_flags(tmp_path: Path) -> None:
    scenario(tmp_path)
    with running_server("--app", "echo") as server:
        host = f"tcp://127.0.0.1:{server.port}"
        flags = [
            "--headless",
            "-u",
            "1",
            "-r",
            "1",
            "-t",
            "2s",
            "--host",
            host,
            "--topic",
            "sport",
            "--token",
            "s3cret",
        ]
        done = subprocess.run(
            [sys.executable, "-m", "locust", "-f", "locustfiles/mine.py", *flags], cwd=tmp_path, capture_output=True,
            env=environment(DEPTH=4, HOLDFAST_RUNS=tmp_path / "runs"), text=True, timeout=DEADLINE, check=False,
        )  # fmt: skip
    assert "sport 5" in (tmp_path / "runs/stats.csv").read_text(), done.stdout + done.stderr
