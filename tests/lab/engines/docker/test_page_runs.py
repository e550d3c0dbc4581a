import os
import shutil
from pathlib import Path

import pytest

from lab.engines.docker import page_runs
from lab.errors import LabError

FILES = [
    (Path("2-page/verdict.json"), b"{}"),
    (Path("2-page/deep/er.csv"), b"a,b"),
    (Path("1-page/verdict.json"), b"{}"),
    (Path("3-page/.latency.hlog.7.part"), b""),
    (Path("verdict.json"), b"of a run without the page"),
]


def test_each_finished_run_gets_a_folder_once(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    assert page_runs.bring_home(FILES, runs) == ["1-page", "2-page"]
    assert (runs / "2-page/deep/er.csv").read_bytes() == b"a,b"
    assert os.readlink(runs / "latest") == "2-page"
    assert sorted(path.name for path in runs.iterdir()) == ["1-page", "2-page", "latest"]
    assert page_runs.bring_home(FILES, runs) == []
    shutil.rmtree(runs / "1-page")
    assert page_runs.bring_home(FILES, runs, ["1-page"]) == []
    assert page_runs.bring_home(FILES, runs) == ["1-page"]


def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("no folder")
    with pytest.raises(LabError, match=r"could not write .*runs/1-page"):
        page_runs.bring_home(FILES, tmp_path / "runs")
