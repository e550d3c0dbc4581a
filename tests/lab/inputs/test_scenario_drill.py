"""The drill of a scenario in Python, read from its source."""

from pathlib import Path

import pytest

from lab import folders
from lab.errors import UsageError
from lab.inputs import conversation, scenario_drill

FIRST = "class Mine:\n"


def _scenario(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "locustfiles").mkdir()
    (tmp_path / "locustfiles/mine.py").write_text(source)
    monkeypatch.setattr(folders, "work", lambda: tmp_path)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("", {}),
        ("class (:", {}),
        (FIRST + "    other = {}\n    a.drill = 5\n", {}),
        (FIRST + '    drill = {"name": "reset"}\n', {"DRILL": "reset"}),
        (
            FIRST + '    drill: dict[str, str] = {"name": "reset", "at": "20s", "for": 5}\n',
            {"DRILL": "reset", "AT": "20s", "FOR": "5"},
        ),
    ],
)
def test_drill_of_a_scenario(
    source: str, found: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _scenario(source, tmp_path, monkeypatch)
    assert scenario_drill.implied("mine") == found
    assert scenario_drill.implied("theirs") == {}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("5", 'expected literals, such as {"name": "server-frozen"'),
        ('{"at": "5s"}', "expected literals, such as"),
        ('{"name": NAME}', "expected literals, such as"),
        ('{"name": "reset", "fro": "5s"}', "there is no key 'fro'; did you mean for?; expected name, at, for"),
        ('{"name": "reset", "at": "x"}', "AT='x' is not valid: expected a time"),
        ('{"name": "server-frosen"}', "there is no drill server-frosen; did you mean server-frozen?"),
    ],
)
def test_mistake_has_file_and_line(value: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _scenario(f"{FIRST}    drill = {value}\n", tmp_path, monkeypatch)
    with pytest.raises(UsageError) as refused:
        scenario_drill.implied("mine")
    assert str(refused.value).startswith("locustfiles/mine.py:2: drill: ")
    assert said in str(refused.value)


def test_run_has_one_drill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _scenario(2 * (FIRST + '    drill = {"name": "reset"}\n'), tmp_path, monkeypatch)
    with pytest.raises(UsageError, match=r"mine.py:4: a second drill; a run has one"):
        scenario_drill.implied("mine")


def test_what_is_given_comes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _scenario(FIRST + '    drill = {"name": "reset", "at": "20s"}\n', tmp_path, monkeypatch)
    chosen = conversation.read({"SCENARIO": "mine", "DRILL": "none"}, "load", {})
    assert (chosen["DRILL"], chosen["AT"], chosen["FOR"]) == ("none", "20s", "")
