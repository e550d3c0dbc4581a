import json
import stat
from pathlib import Path

import pytest

from lab import __main__ as command
from lab import folders
from lab.errors import UsageError
from lab.inputs import conversation
from lab.settings import CONVERSATION
from rawsocket.conversation.plan import Plan

FILE = """
target: tcp://192.0.2.1:7
every: 3s
time: 20s
steps: [{send: hello}]
"""


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the conversation `mine` and the scenario `other`."""
    (tmp_path / "conversations/sub").mkdir(parents=True)
    (tmp_path / "conversations/mine.yaml").write_text(FILE)
    (tmp_path / "conversations/sub/deep.yml").write_text(FILE)
    (tmp_path / "locustfiles").mkdir()
    (tmp_path / "locustfiles/other.py").write_text("")
    (tmp_path / "locustfiles/hold.py").write_text("")
    monkeypatch.setattr(folders, "work", lambda: tmp_path)
    monkeypatch.delenv("SCENARIO", raising=False)
    return tmp_path


def _plan(path: str) -> Plan:
    return Plan.from_json(Path(path).read_text())


def test_conversation_by_its_name() -> None:
    chosen = conversation.read({"SCENARIO": "mine"}, "load", {})
    assert (chosen["TARGET"], chosen["EVERY"], chosen["SCENARIO"]) == ("tcp://192.0.2.1:7", "3", "mine")
    assert chosen.given == {"SCENARIO"}
    plan = _plan(chosen[CONVERSATION])
    assert (plan.name, plan.file) == ("mine", "conversations/mine.yaml")


def test_conversation_in_a_folder(work: Path) -> None:
    plan = _plan(conversation.read({}, "load", {"SCENARIO": "sub/deep"})[CONVERSATION])
    assert (plan.name, plan.file) == ("sub/deep", "conversations/sub/deep.yml")


def test_conversation_by_its_path(work: Path) -> None:
    (work / "else.yaml").write_text(FILE)
    for path in ("else.yaml", str(work / "else.yaml")):
        chosen = conversation.read({"SCENARIO": path}, "load", {})
        assert (_plan(chosen[CONVERSATION]).name, chosen["SCENARIO"]) == ("else", path)


def test_given_before_file_before_default() -> None:
    flags = {"SCENARIO": "mine", "EVERY": "5"}
    chosen = conversation.read(flags, "ci", {"TARGET": "tcp://192.0.2.9:1"})
    assert (chosen["EVERY"], chosen["TARGET"]) == ("5", "tcp://192.0.2.9:1")
    # The file comes before the defaults of a verb: `ci` has TIME=30s.
    assert (chosen["TIME"], chosen["TIMEOUT"]) == ("20s", "10")


@pytest.mark.parametrize(
    ("target", "steps", "is_said"),
    [
        ("tcp://192.0.2.1:7", "[{send: a}]", True),
        ("tls://192.0.2.1:7", "[{send: a}]", False),
        ("tcp://192.0.2.1:7", "[starttls, {send: a}]", False),
    ],
)
def test_tls_of_the_file_that_no_connection_has_is_said(
    work: Path, capsys: pytest.CaptureFixture[str], target: str, steps: str, is_said: bool
) -> None:
    (work / "conversations/mine.yaml").write_text(f"target: {target}\ntls: {{name: mine.test}}\nsteps: {steps}\n")
    conversation.read({"SCENARIO": "mine"}, "load", {})
    line = (
        "conversations/mine.yaml: `tls` is not used, since the target is tcp://192.0.2.1:7; for TLS write tls://192.0."
    )
    assert capsys.readouterr().err.startswith(line) == is_said


def test_scenario_in_python_has_no_plan() -> None:
    for scenario in ("other", ""):
        chosen = conversation.read({"SCENARIO": scenario}, "load", {})
        assert (chosen[CONVERSATION], chosen["TARGET"]) == ("", "")


def test_name_of_two_things_is_refused(work: Path) -> None:
    (work / "locustfiles/mine.py").write_text("")
    with pytest.raises(UsageError, match=r"SCENARIO=mine is conversations/mine.yaml and locustfiles/mine.py; .*rename"):
        conversation.read({"SCENARIO": "mine"}, "load", {})
    assert conversation.read({"SCENARIO": "conversations/mine.yaml"}, "load", {})[CONVERSATION]


def test_what_the_user_has_comes_before_what_is_built_in(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built_in = work / "built in"
    for name in ("locustfiles/mine.py", "conversations/other.yaml", "conversations/theirs.yaml"):
        (built_in / name).parent.mkdir(parents=True, exist_ok=True)
        (built_in / name).write_text("")
    monkeypatch.setattr(folders, "ASSETS", built_in)
    assert conversation.file("mine") == work / "conversations/mine.yaml"
    assert conversation.file("other") is None
    assert conversation.file("theirs") == built_in / "conversations/theirs.yaml"


def test_plan_is_readable_in_a_folder_of_the_user_alone(work: Path) -> None:
    path = Path(conversation.read({"SCENARIO": "mine"}, "load", {})[CONVERSATION])
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert json.loads(path.read_text())["name"] == "mine"


def test_old_plans_are_removed(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "KEPT", 2)
    for number in range(4):
        (work / "conversations/mine.yaml").write_text(f"{FILE}rounds: {number}\n")
        last = conversation.read({"SCENARIO": "mine"}, "load", {})[CONVERSATION]
    left = list((work / ".lab/conversations").iterdir())
    assert len(left) == 2
    assert Path(last) in left


@pytest.mark.parametrize("path", ["missing.yaml", "conversations/missing.yml"])
def test_missing_file_is_one_line(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["load", "--scenario", path]) == 2
    said = capsys.readouterr().err
    assert f"{path}: No such file or directory; expected the file of a conversation; correct the path" in said
    assert said.count("\n") == 1
