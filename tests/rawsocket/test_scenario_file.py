import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from rawsocket import scenario_file
from rawsocket.settings.options import DEFAULTS
from rawsocket.shapes.shape import Soak, Steps


def refused(capsys: pytest.CaptureFixture[str], source: str, folder: Path) -> str:
    """Return the line for a file of this source; it must end the process with 2."""
    path = folder / "mine.py"
    path.write_text(source)

    def run(name: str) -> scenario_file.Loaded:
        exec(compile(Path(name).read_text(), name, "exec"), {})
        return {}, []

    with pytest.raises(SystemExit) as end:
        scenario_file.load(run, str(path))
    assert end.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("class A(int)\n    pass\n", "mine.py:1: SyntaxError: expected ':'"),
        ("\nimport nothing_like_it\n", "mine.py:2: No module named 'nothing_like_it': install it"),
        ("x = 1\n\nraise ValueError('two\\nlines')\n", "mine.py:3: ValueError: two lines"),
        (
            "import os\n\nos.environ['NO_SUCH']\n",
            "mine.py:3: KeyError: 'NO_SUCH'; set it, and declare "
            "ScenarioSetting('no_such'), without which it does not reach containers",
        ),
        ("{}['x']\n", "mine.py:1: KeyError: 'x'"),
        ("x = 1\n", "mine.py: there is no user class in it"),
    ],
)
def test_mistake_in_a_scenario_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, source: str, said: str
) -> None:
    assert said in refused(capsys, source, tmp_path)


def test_good_file_is_passed_on() -> None:
    assert scenario_file.load(lambda path: ({"A": int}, []), "mine.py") == ({"A": int}, [])


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("class A:\n    'Says EVERY and every.'\n", ["EVERY=2 has no effect: holdfast_mine.py never uses it"]),
        ("class A:\n    def session(self):\n        self.pause()\n", []),
        ("class A:\n    def session(self):\n        self.option('every')\n", []),
    ],
)
def test_setting_that_the_scenario_does_not_use_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, lines: list[str]
) -> None:
    (tmp_path / "holdfast_mine.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "holdfast_mine", raising=False)
    module = importlib.import_module("holdfast_mine")
    assert scenario_file.unused([module.A], {**DEFAULTS, "every": 2.0}.__getitem__) == lines
    assert scenario_file.unused([module.A], DEFAULTS.__getitem__) == []
    del sys.modules["holdfast_mine"]


class Climb:
    shape = Steps(1, 3, by=1, hold=5)


class Soaking(Climb):
    shape = Soak(3, 40)


class OldShape:
    pass


@pytest.mark.parametrize(
    ("users", "shapes", "said"),
    [
        ([Climb, Soaking], [], "mine.py: Climb and Soaking have different shapes: a run has one; remove one of them"),
        (
            [Climb],
            [OldShape()],
            "mine.py: it has shape = Steps(...) and OldShape, a LoadTestShape: a run follows one load shape; "
            "remove one of them",
        ),
    ],
)
def test_second_load_shape_is_refused(
    users: list[type], shapes: list[object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        scenario_file.load(lambda _: ({user.__name__: user for user in users}, shapes), "mine.py")
    assert end.value.code == 2
    assert capsys.readouterr().err == f"{said}\n"


def test_conversation_uses_every_but_neither_size_nor_pace() -> None:
    class Conversation:
        __module__ = "rawsocket.conversation.user"
        plan = SimpleNamespace(file="conversations/mine.yaml")
        settings_used = ("every",)

    given = {**DEFAULTS, "every": 2.0, "size": 99, "pace": "closed"}
    assert scenario_file.unused([Conversation], given.__getitem__) == [
        "PACE=closed has no effect: mine.yaml never uses it",
        "SIZE=99 has no effect: mine.yaml never uses it",
    ]
