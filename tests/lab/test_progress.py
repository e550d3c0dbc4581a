import re
import subprocess
import sys
import threading

import pytest

from lab.progress import PROGRESS_LINE, result, say, step
from lab.settings import ROOT


def test_results_go_to_stdout_and_messages_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("wait")
    result("42")
    assert capsys.readouterr() == ("42\n", "wait\n")


def test_a_step_is_announced_and_its_end_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    with step("Building"):
        assert capsys.readouterr().err == "Building ...\n"
    assert re.fullmatch(r"  done in \d+ s\n", capsys.readouterr().err)


def test_a_long_step_says_that_it_still_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    ticked = threading.Event()
    monkeypatch.setattr("lab.progress.say", lambda text: ticked.set() if text.startswith("  ... Building:") else None)
    with step("Building", every=0.01):
        assert ticked.wait(30)


def test_a_failed_step_stops_its_ticker_and_is_not_done(capsys: pytest.CaptureFixture[str]) -> None:
    before = threading.active_count()
    with pytest.raises(KeyError), step("Building"):
        raise KeyError
    assert threading.active_count() <= before  # a thread of an earlier test may end meanwhile
    assert "done" not in capsys.readouterr().err


LINE = """
from rawsocket.master.reports.console import line
from types import SimpleNamespace
sample = SimpleNamespace(held=5, connects_s=1.0, messages_s=2.0, p99_ms=None)
print(line(sample, 10, 3.0, 0))
"""


def test_the_progress_line_of_the_master_is_recognised() -> None:
    """A text interface: it is how the lab learns that a run has started."""
    done = subprocess.run([sys.executable, "-c", LINE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert PROGRESS_LINE.match(done.stdout)
    assert not PROGRESS_LINE.match("held, peak   5")
