import json
from pathlib import Path

import pytest

from lab import __main__ as command
from lab import folders, settings
from lab.errors import UsageError
from lab.inputs import scenario_settings
from lab.settings import SETTINGS

SCENARIO = """
ScenarioSetting("topic", "news", "what to subscribe to")
ScenarioSetting("depth", 3, type=int)
"""


@pytest.fixture(autouse=True)
def _scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two scenarios: `mine` declares settings, `hold` none."""
    (tmp_path / "locustfiles").mkdir()
    (tmp_path / "locustfiles/mine.py").write_text(SCENARIO)
    (tmp_path / "locustfiles/hold.py").write_text("")
    monkeypatch.setattr(folders, "work", lambda: tmp_path)
    monkeypatch.setattr(folders, "is_clone", lambda: True)
    monkeypatch.delenv("SCENARIO", raising=False)


@pytest.mark.parametrize(
    ("argv", "environ", "found"),
    [
        (["load", "--scenario", "mine"], {}, ["topic", "depth"]),
        (["ci", "--users", "5", "--scenario=mine"], {"SCENARIO": "hold"}, ["topic", "depth"]),
        (["up"], {"SCENARIO": "mine"}, ["topic", "depth"]),
        (["up"], {}, []),
        (["load", "--scenario", "theirs"], {}, []),
        (["status"], {"SCENARIO": "mine"}, []),
        (["load", "--scenario"], {}, []),
        ([], {}, []),
    ],
)
def test_flags_of_the_scenario_that_the_command_line_names(
    argv: list[str], environ: dict[str, str], found: list[str]
) -> None:
    assert [row.name for row in scenario_settings.flags(argv, environ)] == found


def test_flags_come_before_variables_and_reach_containers_as_one() -> None:
    chosen = settings.Settings({"SCENARIO": "mine", "USERS": "5"}, frozenset({"USERS"}))
    environ = {"TOPIC": "sport", "DEPTH": "4", "SCENARIO_SETTINGS": '{"depth": 9}'}
    added = scenario_settings.added(chosen, {"TOPIC": "art"}, environ)
    passed_on = json.loads(added.values.pop("SCENARIO_SETTINGS"))
    assert added.values == {"SCENARIO": "mine", "USERS": "5", "TOPIC": "art", "DEPTH": "4"}
    assert passed_on == {"TOPIC": "art", "DEPTH": "4"}
    assert added.given == {"USERS"}


def test_nothing_given_is_nothing_passed_on() -> None:
    chosen = settings.Settings({"SCENARIO": "mine"}, frozenset())
    assert scenario_settings.added(chosen, {}, {}).values == {"SCENARIO": "mine", "SCENARIO_SETTINGS": ""}


@pytest.mark.parametrize("name", [row.name for row in SETTINGS])
def test_a_setting_of_the_lab_can_not_be_declared(tmp_path: Path, name: str) -> None:
    (tmp_path / "locustfiles/mine.py").write_text(f"ScenarioSetting({name!r}, '1')")
    with pytest.raises(UsageError, match="choose another"):
        scenario_settings.rows("mine")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--depth", "deep"], "lab ci: DEPTH='deep' is not valid: expected a whole number. Set DEPTH or --depth."),
        (["--topik", "a"], "unrecognized arguments: --topik a; did you mean --topic? (see python -m lab ci --help)"),
    ],
)
def test_a_bad_value_and_an_unknown_flag_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.setattr(command, "do", lambda verb, chosen: pytest.fail("it ran"))
    (tmp_path / "locustfiles/hold.py").write_text(SCENARIO)
    try:
        code = command.main(["ci", *arguments])
    except SystemExit as end:
        code = int(str(end.code))
    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(said)


def test_a_broken_scenario_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "locustfiles/mine.py").write_text("ScenarioSetting(\n")
    assert command.main(["load", "--scenario", "mine"]) == 2
    assert capsys.readouterr().err == "lab: locustfiles/mine.py:1: SyntaxError: '(' was never closed\n"


def test_conversation_of_the_user_declares_nothing_that_a_built_in_scenario_of_its_name_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own/conversations").mkdir(parents=True)
    (tmp_path / "own/conversations/mine.yaml").write_text("steps: []")
    monkeypatch.setattr(folders, "ASSETS", tmp_path)
    assert [row.name for row in scenario_settings.rows("mine")] == ["topic", "depth"]
    monkeypatch.setattr(folders, "work", lambda: tmp_path / "own")
    assert scenario_settings.rows("mine") == []
