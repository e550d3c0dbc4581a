"""`make test` itself: parts, totals, exit code, tests shared by processes, coverage per package."""

import os
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tests import run
from tests.support import measured, sharing
from tests.support.lab import ROOT

SHARED = """
import pytest

@pytest.fixture(scope="module")
def of_the_module(): ...

@pytest.mark.parametrize("number", range(20))
def test_alone(number): assert number != 3

def test_skipped(): pytest.skip("why")

def test_first(of_the_module): ...

def test_second(of_the_module): ...
"""


@pytest.mark.parametrize(
    ("outcomes", "seconds", "said"),
    [
        ({"passed": 3}, 1.5, "3 passed in 1.50s"),
        ({"passed": 3, "failed": 1, "warnings": 1, "error": 2}, 75.2, "1 failed, 3 passed, 1 warning, 2 errors in"),
        ({"passed": 1}, 3723.0, "1 passed in 3723.00s (1:02:03)"),
        ({}, 0.5, "no tests ran in 0.50s"),
    ],
)
def test_totals_are_in_the_form_of_pytests_last_line(outcomes: dict[str, int], seconds: float, said: str) -> None:
    assert run.total(Counter(outcomes), seconds).startswith(said)


def test_unknown_part_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["server,servers"]) == 2
    assert "no such part: servers (parts: containers, " in capsys.readouterr().err


def test_settings_of_make_test_are_none_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make fuzz` has a setting ONLY as well, and a test runs it."""
    seen: list[run.Part] = []
    monkeypatch.setattr(run.signal, "signal", lambda *_: None)
    monkeypatch.setattr(run, "run", seen.extend)
    monkeypatch.setattr(run, "run_again", lambda parts: None)
    monkeypatch.setenv("ONLY", "server")
    monkeypatch.setenv("MAKEFLAGS", " -- ONLY=server")
    run.main(["server"])
    assert seen[0].environment.keys() & {"ONLY", "MAKEFLAGS"} == set()


@pytest.mark.parametrize(("codes", "outcomes", "failed"), [([0, 0], "passed", 0), ([0], "", 1), ([1, 0], "passed", 1)])
def test_part_without_a_test_or_with_a_failed_process_has_failed(
    tmp_path: Path, codes: list[int], outcomes: str, failed: bool
) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/outcomes").write_text(outcomes)
    assert run.Part("meta", tmp_path, {}, codes=codes).failed() == failed


def _sharing(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    options = ["-q", "-p", "tests.support.sharing", "--share", str(folder), "-p", "no:cacheprovider", *arguments]
    command = [sys.executable, "-m", "pytest", *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, process_group=0)


def test_two_processes_share_the_tests_of_a_part(tmp_path: Path) -> None:
    (tmp_path / "test_shared.py").write_text(SHARED)
    processes = [_sharing(tmp_path, str(tmp_path)) for _ in range(2)]
    outputs = [process.communicate()[0] for process in processes]
    assert Counter((tmp_path / "outcomes").read_text().split()) == {"passed": 21, "failed": 1, "skipped": 1}
    assert sorted(process.returncode for process in processes) == [0, 1], outputs


def test_files_with_the_longest_tests_come_first() -> None:
    assert [name for name in sharing.LONGEST if not (ROOT / name).is_file()] == []
    first, second = sharing.LONGEST[:2]
    tests = ["tests/lab/test_tls.py::b", f"{second}::x", "tests/lab/test_tls.py::a", f"{first}::y", f"{second}::w[0]"]
    assert [tests.index(test) for test in sorted(tests, key=sharing.place)] == [3, 1, 4, 0, 2]


FAILS_ONCE = """
import pathlib

def test_once():
    began = pathlib.Path(__file__).with_name("began")
    before = began.exists()
    began.touch()
    assert before

def test_fine(): ...
"""


@pytest.mark.parametrize(
    ("text", "failed", "outcomes"),
    [
        (FAILS_ONCE, False, {"passed": 1, "rerun": 1}),
        (FAILS_ONCE.replace("assert before", "assert 0"), True, {"passed": 1, "failed": 1}),
        ("import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test(n): assert 0\n", True, {"failed": 4}),
    ],
)
def test_few_failures_run_again_alone(tmp_path: Path, text: str, failed: bool, outcomes: dict[str, int]) -> None:
    test = tmp_path / "test_again.py"
    test.write_text(text)
    share = tmp_path / "share"
    share.mkdir()
    process = _sharing(share, str(test))
    process.communicate()
    part = run.Part("meta", tmp_path, dict(os.environ), codes=[process.returncode])
    run.run_again([part])
    assert (part.failed(), part.outcomes()) == (failed, Counter(outcomes))
    assert [name.partition("::")[2] for name in part.reruns] == ([] if failed else ["test_once"])


def test_ctrl_c_ends_each_process_after_its_fixtures(tmp_path: Path) -> None:
    (tmp_path / "test_long.py").write_text(
        f"import pathlib, time\ndef test():\n    try:\n        pathlib.Path({str(tmp_path)!r}, 'begun').touch()\n"
        f"        time.sleep(300)\n    finally:\n        pathlib.Path({str(tmp_path)!r}, 'cleaned').touch()\n"
    )
    part = run.Part("meta", tmp_path, dict(os.environ))
    with suppress(KeyboardInterrupt), run.ended([part]):
        part.processes.append(run.Process(_sharing(tmp_path, str(tmp_path)), tmp_path))  # type: ignore[arg-type]
        while not (tmp_path / "begun").exists():
            assert part.running()
        raise KeyboardInterrupt
    process = part.processes[0].popen
    assert process.stdout
    process.stdout.close()
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert (tmp_path / "cleaned").exists()


def test_coverage_is_added_up_per_package() -> None:
    files = {
        path: {"summary": {"covered_lines": covered, "num_statements": lines}}
        for path, covered, lines in [("lab/a.py", 1, 4), ("lab/b.py", 4, 4), ("lab/x/c.py", 2, 2), ("lab/x/d.py", 0, 0)]
    }
    assert [row.split() for row in measured.per_package(files).splitlines()] == [
        ["lab", "8", "lines", "62.5%"],
        ["lab/x", "2", "lines", "100.0%"],
        ["all", "10", "lines", "70.0%"],
    ]
