import subprocess
import sys

import pytest

from lab.page import free_port
from lab.progress import WAIT_LINE
from lab.run.console import Console
from rawsocket import target_check
from rawsocket.settings.plan import UsageError
from rawsocket.target import Target

LOCUST_LOG = "[2025-01-01 00:00:00,000] master/INFO/locust.runners: 2 clients"
WARNING = "[2025-01-01 00:00:00,000] master/WARNING/locust.runners: CPU"
SECONDS = ("held 5/10  connects 0.0/s", "held 10/10  connects 0.0/s")


def _relay(*lines: str) -> Console:
    console = Console()
    for line in lines:
        console.relay(line)
    return console


def test_lines_are_passed_on_without_locusts_log_lines(capsys: pytest.CaptureFixture[str]) -> None:
    _relay(LOCUST_LOG, WARNING, SECONDS[0], "", LOCUST_LOG, WARNING, "verdict pass")
    assert capsys.readouterr().out.splitlines() == [WARNING, SECONDS[0], WARNING, "verdict pass"]


def test_on_a_terminal_the_progress_line_overwrites_itself(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    _relay(*SECONDS, "verdict pass")
    assert capsys.readouterr().out == "".join(f"\r\x1b[K{line}" for line in SECONDS) + "\r\x1b[Kverdict pass\n"


def test_lines_about_the_wait_for_a_target_are_passed_on_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = "waiting for tcp://a:1: nothing listens there (connection refused); 5 of 30 s"
    console = _relay(WARNING, waiting)
    assert capsys.readouterr().out == f"{waiting}\n"
    assert not console.started
    assert console.take_last() == WARNING


def test_the_master_writes_such_a_line() -> None:
    """A text interface."""
    said: list[str] = []
    with pytest.raises(UsageError):
        target_check.wait_for(Target("127.0.0.1", free_port()), 0.01, said.append)
    assert said
    assert all(map(WAIT_LINE.match, said))


def test_lines_from_before_the_start_are_held_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console = _relay(WARNING, LOCUST_LOG, "60000 users on 2 workers ...")
    assert capsys.readouterr().out == ""
    assert console.take_last() == "60000 users on 2 workers ..."
    console.flush()
    assert capsys.readouterr().out.splitlines() == [WARNING]
    assert console.take_last() == ""


def test_no_line_of_a_started_run_is_taken_back() -> None:
    assert _relay(*SECONDS, "verdict fail").take_last() == ""


LOG = """
import logging
from locust.log import setup_logging
setup_logging("DEBUG")
logging.getLogger("locust.runners").info("2 clients")
logging.getLogger("locust.runners").warning("CPU")
logging.getLogger("rawsocket.worker").info("a line of ours")
"""


def test_locusts_log_lines_are_recognised(capsys: pytest.CaptureFixture[str]) -> None:
    """A text interface: the format is Locust's."""
    done = subprocess.run([sys.executable, "-c", LOG], capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert [line.rpartition(": ")[2] for line in lines] == ["2 clients", "CPU", "a line of ours"]
    _relay(SECONDS[0], *lines)
    assert capsys.readouterr().out.splitlines() == [SECONDS[0], *lines[1:]]
