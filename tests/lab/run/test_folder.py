import json
import re
from pathlib import Path

import pytest

from lab.run import folder as runs


def test_name_is_the_utc_time_and_the_verb() -> None:
    assert re.fullmatch(r"\d{8}T\d{6}Z-ci", runs.name("ci"))


def test_latest_points_at_the_newest(tmp_path: Path) -> None:
    first = runs.create("20250101T000000Z-ci", tmp_path / "runs")
    second = runs.create("20250101T000001Z-load", tmp_path / "runs")
    assert first.is_dir()
    assert (tmp_path / "runs/latest").readlink() == Path(second.name)
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == [first.name, second.name, "latest"]


def test_two_runs_of_one_second_have_a_folder_each(tmp_path: Path) -> None:
    made = [runs.create("20250101T000000Z-ci", tmp_path) for _ in range(3)]
    assert [p.name.removeprefix("20250101T000000Z-ci") for p in made] == ["", "-2", "-3"]
    assert (tmp_path / "latest").resolve() == made[-1]


def test_the_host_is_added_to_what_the_master_wrote(tmp_path: Path) -> None:
    (tmp_path / "env.json").write_text('{"locust": "2.47.0"}')
    runs.finish(tmp_path, "docker", "ci")
    written = json.loads((tmp_path / "env.json").read_text())
    assert written["locust"] == "2.47.0"
    assert (written["host"]["engine"], written["host"]["verb"]) == ("docker", "ci")
    assert set(written["host"]) == {"engine", "verb", "cpus", "kernel", "machine", "python", "git", "repeat"}


def test_what_the_engine_knows_is_a_part_of_the_host(tmp_path: Path) -> None:
    runs.finish(tmp_path, "docker", "ci", about={"images": {"server": "sha256:1"}})
    assert json.loads((tmp_path / "env.json").read_text())["host"]["images"] == {"server": "sha256:1"}


def test_the_host_is_added_to_the_report(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<p><!--holdfast:host--><!--/holdfast:host--></p>")
    runs.finish(tmp_path, "docker", "ci", "make ci USERS=5")
    assert "<pre>make ci USERS=5</pre>" in (tmp_path / "report.html").read_text()


def test_env_json_is_there_even_if_the_master_wrote_none(tmp_path: Path) -> None:
    runs.finish(tmp_path, "native", "load")
    assert list(json.loads((tmp_path / "env.json").read_text())) == ["host"]


def test_the_summary_is_appended_to_the_file_of_github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    github = tmp_path / "github.md"
    github.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(github))
    runs.finish(tmp_path, "docker", "ci")
    assert github.read_text() == "before\n"
    (tmp_path / "summary.md").write_text("# pass\n")
    runs.finish(tmp_path, "docker", "ci")
    assert github.read_text() == "before\n# pass\n\n"


def test_a_run_that_did_not_start_leaves_nothing(tmp_path: Path) -> None:
    first = runs.create("20250101T000000Z-ci", tmp_path)
    second = runs.create("20250101T000001Z-ci", tmp_path)
    (second / "logs").mkdir()
    runs.discard(second)
    assert (tmp_path / "latest").resolve() == first
    runs.discard(first)
    assert list(tmp_path.iterdir()) == []


def test_a_later_run_stays_the_latest(tmp_path: Path) -> None:
    first = runs.create("20250101T000000Z-ci", tmp_path)
    second = runs.create("20250101T000001Z-ci", tmp_path)
    runs.discard(first)
    assert (tmp_path / "latest").resolve() == second
