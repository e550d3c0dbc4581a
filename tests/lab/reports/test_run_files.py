import json
from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.reports import run_files
from tests.support.documents import passed


def test_documents_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_text(json.dumps(passed()))
    (tmp_path / "env.json").write_text('{"host": {"engine": "native"}}')
    (tmp_path / "timeline.csv").write_text("time_utc,elapsed_s,server_held,event\nT1,0.98,,5 users\nT2,1.98,7,\n")
    found = run_files.read(tmp_path)
    assert found.verdict == passed()
    assert found.environment == {"host": {"engine": "native"}}
    assert found.timeline == {
        "time_utc": ["T1", "T2"],
        "elapsed_s": [0.98, 1.98],
        "server_held": [None, 7.0],
        "event": ["5 users", ""],
    }


def test_verdict_is_enough(tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_text(json.dumps(passed()))
    (tmp_path / "timeline.csv").write_text("")
    assert run_files.read(tmp_path).timeline == {}


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("verdict.json", None, "not the folder of a run"),
        ("verdict.json", "{}", "verdict.json is missing or incomplete"),
        ("verdict.json", "{", "verdict.json: not JSON"),
        ("env.json", "[]", "env.json: not a JSON object"),
        ("timeline.csv", "elapsed_s\nx\n", "timeline.csv: not a timeline"),
    ],
)
def test_folder_that_is_not_of_a_run_is_a_usage_error(tmp_path: Path, file: str, text: str | None, said: str) -> None:
    (tmp_path / "verdict.json").write_text(json.dumps(passed()))
    (tmp_path / file).unlink(missing_ok=True)
    if text is not None:
        (tmp_path / file).write_text(text)
    with pytest.raises(UsageError, match=said):
        run_files.read(tmp_path)


def test_timeline_that_was_cut_off_is_read_up_to_there(tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_text(json.dumps(passed()))
    (tmp_path / "timeline.csv").write_text("elapsed_s,held\n1,5\n2")
    assert run_files.read(tmp_path).timeline == {"elapsed_s": [1.0, 2.0], "held": [5.0, None]}


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such folder"):
        run_files.read(tmp_path / "none")


def test_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    with pytest.raises(UsageError, match="this is a file; expected folders of runs"):
        run_files.read(tmp_path / "index.html")
