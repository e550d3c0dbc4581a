"""The files of a recording: names, what is never overwritten, and what is never written."""

import stat
from pathlib import Path

import pytest

from lab import folders
from lab.errors import UsageError
from lab.recording.files import Files
from lab.recording.traffic import Traffic
from tests.support.recordings import talk

TRAFFIC = Traffic("tcp://127.0.0.1:1", (talk(("c", b"AUTH ******\r\n")),))


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(folders, "work", lambda: tmp_path)
    return tmp_path


def test_files_are_written_and_read(work: Path) -> None:
    files = Files("mine/redis")
    files.check(replace=False, again=False)
    said = files.write("steps: []\n", ["name", "password"], TRAFFIC)
    assert said == [
        "wrote conversations/mine/redis.yaml",
        "wrote conversations/mine/redis.csv with the line name,password: "
        "add a line for each user, no secret was written",
    ]
    assert (work / "conversations/mine/redis.csv").read_text() == "name,password\n"
    assert files.read() == TRAFFIC
    assert stat.S_IMODE((work / ".lab/recordings/mine/redis.json").stat().st_mode) == 0o600


def test_values_that_were_filled_in_are_kept(work: Path) -> None:
    files = Files("redis")
    files.write("", ["password"], TRAFFIC)
    files.columns.write_text("password\nmine\n")
    assert "kept conversations/redis.csv, which is there already" in files.write("", ["password"], TRAFFIC)[1]
    assert files.columns.read_text() == "password\nmine\n"


def test_conversation_is_overwritten_only_where_nothing_is_lost() -> None:
    files = Files("redis")
    with pytest.raises(UsageError, match="there is no recording of redis yet"):
        files.check(replace=False, again=True)
    files.write("a\n", [], TRAFFIC)
    with pytest.raises(UsageError, match="is there already: choose another name, or add --replace"):
        files.check(replace=False, again=False)
    files.check(replace=True, again=False)
    files.check(replace=False, again=True)
    files.conversation.write_text("b\n")
    with pytest.raises(UsageError, match="was edited since it was recorded"):
        files.check(replace=False, again=True)
    files.check(replace=True, again=True)


@pytest.mark.parametrize("name", ["", "../redis", "/tmp/redis", ".redis", "a b", "a//b"])
def test_name_that_can_be_none(name: str) -> None:
    with pytest.raises(UsageError, match="a name has letters, digits"):
        Files(name).check(replace=True, again=False)


def test_recording_that_is_damaged() -> None:
    files = Files("redis")
    files.write("a\n", [], TRAFFIC)
    files.traffic.write_text("{")
    with pytest.raises(UsageError, match=r"can't be read .* record redis again"):
        files.read()
