"""What is passed on of a master's lines where there is no terminal. For terminals see test_live.py."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lab.page_client import free_port
from lab.progress import WAIT_LINE
from lab.run.console import Console
from rawsocket import target_check
from rawsocket.check.dialogue import SENT, SERVER, Dialogue, Entry, Failure, line_of
from rawsocket.settings.plan import UsageError
from rawsocket.target import Target
from tests.support import verdicts
from tests.support.verdicts import ALERT, failed, passed, second

LOCUST_LOG = "[2025-01-01 00:00:00,000] master/INFO/locust.runners: 2 clients"
WARNING = "[2025-01-01 00:00:00,000] master/WARNING/locust.runners: CPU"
SECOND = json.dumps({"progress": second(1.0, 59.0)})
SAID = "held 800/800  messages 80.3/s  p99 1.310 ms  failures 0  0:01 of 1:00"


def _relay(*lines: str) -> Console:
    console = Console()
    for line in lines:
        console.relay(line)
    return console


def test_progress_and_log_go_to_stderr_without_locusts_log_lines(capsys: pytest.CaptureFixture[str]) -> None:
    _relay(LOCUST_LOG, WARNING, SECOND, "", LOCUST_LOG, WARNING)
    assert capsys.readouterr() == ("", f"{WARNING}\n{SAID}\n{WARNING}\n")


CHECKED = Dialogue("mine", "tcp://a:1", "line", [Entry(0.1, SENT, data=b"PING\n")], ms=2.0)
REFUSED = Dialogue("mine", "tcp://a:1", "line", [], Failure(SERVER, "wrong", "b'a'", "send `get`", "mine.yaml:3"))


def test_check_before_a_run_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    console = _relay("held back", line_of(CHECKED))
    assert console.refused is None
    said = "mine: the server replied as expected (1 message sent, 0 received, 2.0 ms)\n"
    assert capsys.readouterr() == ("", said)
    assert console.take_last() == "held back"


def test_check_that_has_failed_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    console = _relay(line_of(REFUSED))
    assert console.refused == REFUSED
    out, err = capsys.readouterr()
    assert out.startswith("mine against tcp://a:1, framing line\n")
    assert out.endswith("FAILED at mine.yaml:3: send `get`: wrong: b'a'\n")
    assert err == ""


def test_a_line_every_five_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    _relay(*verdicts.lines(passed(), 12))
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition("  ")[2] for line in lines] == ["0:00 of 1:00", "0:05 of 1:00", "0:10 of 1:00"]
    assert [line.split("  ")[0] for line in lines] == ["held 0/800", "held 800/800", "held 800/800"]


def test_an_alert_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    _relay(SECOND, *(json.dumps({"progress": second(at, alerts=[ALERT])}) for at in (2.0, 3.0)))
    assert capsys.readouterr().err.count("alert: Server full: it holds 1,000;") == 1


def test_the_result_goes_to_stdout_when_the_run_is_concluded(capsys: pytest.CaptureFixture[str]) -> None:
    console = _relay(*verdicts.lines(failed(), 1))
    assert capsys.readouterr().out == ""
    console.conclude("runs/x/report.html", "", 3, verbose=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "FAIL  The server holds 1,000 connections (its cap) and refused 3,591 connects"
    assert lines[-2:] == ["Report: runs/x/report.html", "verdict: fail (exit code 3)"]
    assert not any(line.startswith("Ledger") for line in lines)
    assert max(map(len, lines)) <= 79


def test_all_figures_and_the_ledger_come_before_the_result_where_they_are_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _relay(*verdicts.lines(passed(), 1)).conclude("", "", 0, verbose=True)
    out = capsys.readouterr().out
    parts = ("connections attempted / connected", "latency, ms", "Ledger: ", "PASS  ", "verdict: pass (exit code 0)\n")
    assert sorted(parts, key=out.index) == list(parts)
    assert max(map(len, out.splitlines())) <= 79


def test_without_a_result_nothing_is_concluded(capsys: pytest.CaptureFixture[str]) -> None:
    console = _relay(SECOND)
    assert not console.has_result
    console.conclude("", "", 1, verbose=True)
    assert capsys.readouterr().out == ""


def test_files_that_the_master_meant_to_write_and_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "summary.md").touch()
    console = _relay(*verdicts.lines(passed(), 1, ("verdict.json", "summary.md"), "No space left on device"))
    assert (console.missing(tmp_path), console.trouble) == (["verdict.json"], "No space left on device")


def test_lines_about_the_wait_for_a_target_are_passed_on_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = "waiting for tcp://a:1: nothing listens there (connection refused); 5 of 30 s"
    console = _relay(WARNING, waiting)
    assert capsys.readouterr() == ("", f"{waiting}\n")
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
    assert capsys.readouterr() == ("", "")
    assert console.take_last() == "60000 users on 2 workers ..."
    console.close()
    assert capsys.readouterr().err.splitlines() == [WARNING]
    assert console.take_last() == ""


@pytest.mark.parametrize("start", [SECOND, SAID])
def test_no_line_of_a_started_run_is_taken_back(start: str) -> None:
    assert _relay(start, "verdict fail").take_last() == ""


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
    _relay(SECOND, *lines)
    assert capsys.readouterr().err.splitlines() == [SAID, *lines[1:]]
