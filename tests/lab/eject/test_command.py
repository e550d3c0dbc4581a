from pathlib import Path

import pytest

from lab import __main__ as command
from lab import folders


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a conversation that has data."""
    (tmp_path / "conversations").mkdir()
    (tmp_path / "conversations/mine.yaml").write_text("data: users.csv\nsteps: [{send: '{name}'}]\ntls: {ca: ca.pem}")
    (tmp_path / "conversations/users.csv").write_text('name,secret\nann,"a,b"\n')
    monkeypatch.setattr(folders, "work", lambda: tmp_path)
    monkeypatch.delenv("SCENARIO", raising=False)
    return tmp_path


def test_session_and_data_beside_the_scenarios(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["eject", "mine"]) == 0
    said = capsys.readouterr()
    assert said.out == "Written: locustfiles/mine.py\n"
    assert "SCENARIO=mine would now name two things: remove or rename conversations/mine.yaml" in said.err
    text = (work / "locustfiles/mine.py").read_text()
    assert "class Mine(SessionUser):" in text
    assert "TLS_CA=conversations/ca.pem" in text
    assert (work / "locustfiles/mine.csv").read_text() == 'name,secret\nann,"a,b"\n'


def test_file_that_is_named(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = work / "else/theirs.py"
    assert command.main(["eject", str(work / "conversations/mine.yaml"), str(path)]) == 0
    assert 'CsvRows("theirs.csv")' in path.read_text()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["eject", "yours"], "yours is no conversation; expected the name of a file of conversations/"),
        (["eject", "mine", "a.txt"], "a.txt: expected a path that ends in .py; correct it"),
        (["eject", "mine", "conversations/mine.py"], "conversations/mine.csv exists; expected a new file; "),
        (["eject", "broken"], "conversations/broken.yaml:1:1: the file has no steps"),
    ],
)
def test_refusal_is_one_line(
    words: list[str], line: str, work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(work)
    (work / "conversations/mine.csv").write_text("")
    (work / "conversations/broken.yaml").write_text("every: 5s")
    assert command.main(words) == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1


def test_nothing_is_overwritten(work: Path) -> None:
    (work / "locustfiles").mkdir()
    (work / "locustfiles/other.py").write_text("mine")
    assert command.main(["eject", "mine", str(work / "locustfiles/other.py")]) == 2
    assert (work / "locustfiles/other.py").read_text() == "mine"
