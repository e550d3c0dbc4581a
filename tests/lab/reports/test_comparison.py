import json
from pathlib import Path

import pytest

import lab.__main__ as command
from lab.errors import UsageError
from lab.reports import comparison
from tests.support.documents import failed, passed


def _folder(path: Path, document: object) -> str:
    path.mkdir(parents=True)
    (path / "verdict.json").write_text(json.dumps(document))
    return str(path)


def test_runs_are_compared_on_one_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [_folder(tmp_path / "a", passed()), _folder(tmp_path / "b", failed())]
    assert comparison.run(folders, tmp_path / "runs") == 0
    file = tmp_path / "runs/comparison.html"
    assert capsys.readouterr().out == f"{file}\n"
    assert "2 runs compared" in file.read_text()


def test_link_has_the_name_of_the_run(tmp_path: Path) -> None:
    _folder(tmp_path / "20260101T000000Z-load", passed())
    (tmp_path / "latest").symlink_to("20260101T000000Z-load")
    comparison.run([str(tmp_path / "latest")], tmp_path)
    assert "20260101T000000Z-load" in (tmp_path / "comparison.html").read_text()


def test_verdict_that_lacks_a_figure_is_one_line(tmp_path: Path) -> None:
    document = passed()
    del document["messages"]
    with pytest.raises(UsageError, match="incomplete: 'messages'"):
        comparison.run([_folder(tmp_path / "a", document)], tmp_path)


def test_bad_folder_is_one_line_and_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["report", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"lab report: {tmp_path}: not the folder of a run")


def test_report_without_a_folder_is_one_line_and_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        command.main(["report"])
    assert end.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
