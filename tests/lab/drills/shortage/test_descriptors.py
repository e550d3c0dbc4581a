"""The program that changes limits, on processes of the test's own."""

import json
import resource
import subprocess
import sys

import pytest

from lab.drills.shortage import descriptors
from lab.drills.shortage.server_limits import PROGRAM


def _run(*words: str) -> str:
    return subprocess.run(
        [sys.executable, "-I", str(PROGRAM), *words], check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.parametrize(("used", "spare", "limit"), [(set(), 2, 2), ({0, 1, 2}, 5, 8), ({0, 2, 5}, 3, 5)])
def test_so_many_numbers_are_free_below_the_limit(used: set[int], spare: int, limit: int) -> None:
    assert descriptors.limit_for(used, spare) == limit


def test_limit_is_lowered_and_put_back() -> None:
    code = "import os; input(); n = 0\ntry:\n while True: os.dup(0); n += 1\nexcept OSError: print(n)"
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as child:
        usual = _run("show", str(child.pid))
        limits = resource.prlimit(child.pid, resource.RLIMIT_NOFILE)
        assert json.loads(usual) == {str(child.pid): list(limits)}
        _run("lower", "7", str(child.pid))
        assert resource.prlimit(child.pid, resource.RLIMIT_NOFILE)[1] == limits[1]
        lowered = _run("show", str(child.pid))
        _run("restore", usual)
        assert resource.prlimit(child.pid, resource.RLIMIT_NOFILE) == limits
        _run("restore", lowered)
        assert child.communicate("\n")[0] == "7\n"
    _run("restore", usual)  # one that has ended is no error
    assert json.loads(_run("lower", "7", str(child.pid))) == {}


def test_without_pids_it_is_all_that_can_be_seen() -> None:
    assert len(list(descriptors.processes([]))) > 0
