import os
import re
import subprocess
import sys

import pytest

import lab.__main__ as command
from lab import settings
from lab.inputs import usage
from lab.verbs import VERBS
from tests.support.lab import ROOT

ROWS = {row.variable: row for row in settings.SETTINGS}


def _help(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as end:
        command.main([*arguments, "--help"])
    assert end.value.code == 0
    return capsys.readouterr().out


def _width(text: str) -> int:
    return max(map(len, text.splitlines()))


def test_version_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        command.main(["--version"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert out == f"{usage.version()}\n"
    assert re.fullmatch(r"Holdfast \d+\.\d+\.\d+\n", out)


def test_each_command_is_in_one_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert sorted(name for names in usage.COMMANDS.values() for name in names) == sorted(VERBS)
    text = _help(capsys)
    assert re.search(r"^A run without the page:\n  check ", text, re.M)
    assert _width(text) <= 79


@pytest.mark.parametrize("name", usage.COMMON)
def test_common_settings_with_their_defaults(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert re.search(rf"^  {name} +{re.escape(ROWS[name].shown_default)} ", _help(capsys), re.M)


@pytest.mark.parametrize("verb", ["load", "ci", "up"])
def test_settings_of_a_command_are_in_groups(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    text = _help(capsys, verb)
    found = re.split(r"^(?=\S)", text, flags=re.M)
    groups = {part.partition(":")[0]: part for part in found if ":\n" in part}
    for title, names in usage.GROUPS.items():
        assert all(f"{ROWS[name].flag} " in groups[title] for name in names), title
    assert _width(text) <= 79
    assert ("The defaults of `ci` that differ: TIME=30s." in text) is (verb == "ci")


def test_setting_that_is_in_no_group_is_shown_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "GROUPS", {"The run": ("USERS",)})
    (run, names), (others, rest) = usage._grouped([])
    assert (run, [row.variable for row in names], others) == ("The run", ["USERS"], usage.OTHERS)
    assert len(rest) == len(settings.SETTINGS) - 1


def test_settings_of_a_scenario_have_a_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert [title for title, _ in usage._grouped([ROWS["USERS"]])][-1] == usage.OF_SCENARIO


def test_columns_decide_on_the_width(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    assert _width(_help(capsys, "load")) > 79


def test_make_help_has_the_same_groups_and_common_variables() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=True)
    for title, names in usage.COMMANDS.items():
        for name in names:
            assert re.search(rf"^{title}.*:(?:\n  make .*)*\n  make {name} ", done.stdout, re.M), (title, name)
    shown = dict(re.findall(r"^  ([A-Z_0-9]+) +(\S+) ", done.stdout, re.M))
    assert shown == {name: ROWS[name].shown_default for name in usage.COMMON}
    assert _width(done.stdout) <= 79


def test_help_needs_no_engine_and_no_locust() -> None:
    code = (
        "import sys, lab.__main__ as c\ntry: c.main(['--help'])\nexcept SystemExit: sys.exit('locust' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False).returncode == 0
