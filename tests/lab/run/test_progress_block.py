"""The console of a run in a pseudo-terminal of 79 columns, in a pipe, and on terminals without colours."""

import io
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest
from rich.console import Console

from lab.run import progress_block
from tests.support.lab import ROOT
from tests.support.terminals import COLUMNS, ROWS, Shown, environment, in_terminal
from tests.support.verdicts import ALERT, second

BAR = "━"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return environment(PYTHONPATH=str(ROOT), TMPDIR=str(tmp_path), SCENARIO="hold")


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.support.fake_run", *arguments]


def _screens(text: str, part: str) -> Iterator[list[str]]:
    """The screen after each time that `part` was written."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.Stream(screen)
    for piece in text.split("\x1b[?25l"):  # the cursor is hidden when a block begins
        for each in piece.split("\r"):
            stream.feed("\r" + each)
            if part in each:
                yield [line.rstrip() for line in screen.display if line.strip()]


def test_block_of_a_run_with_an_alert(environ: dict[str, str]) -> None:
    shown = in_terminal(_command("failed", "load"), environ)
    block = next(_screens(shown.text, "MODEL=epoll"))
    at = next(number for number, line in enumerate(block) if line.startswith("hold: "))
    assert block[at - 1] == "master: a warning"
    assert block[at] == "hold: 800 users, 2 workers, MODEL=select" + " " * 29 + "in trouble"
    assert block[at + 1].startswith(BAR)
    assert block[at + 1].endswith("  0:52 left")
    assert block[at + 2] == "held 800/800   messages 80.3/s   p99 1.310 ms   failures 0"
    assert block[at + 3] == "! Server full: it holds 1,000; 500 users are refused. Set MAX_CONNECTIONS or"
    assert block[at + 4] == "  MODEL=epoll"
    assert len(block) == at + 5


@pytest.mark.parametrize(
    ("verdict", "code", "word"), [("passed", 0, "PASS"), ("failed", 3, "FAIL"), ("unknown", 4, "UNKNOWN")]
)
def test_result_on_a_terminal(environ: dict[str, str], verdict: str, code: int, word: str) -> None:
    shown = in_terminal(_command(verdict, "load"), environ)
    assert shown.code == code
    assert shown.lines[-1] == f"verdict: {word.lower()} (exit code {code})"
    assert shown.lines[-2].startswith("Report: runs/")
    assert shown.lines[-2].endswith("/report.html")
    assert any(line.startswith(f"{word}  ") for line in shown.lines)
    assert {"PASS": "\x1b[1;32m", "FAIL": "\x1b[1;31m", "UNKNOWN": "\x1b[1;33m"}[word] + word in shown.text
    _demand_clean(shown)


def _demand_clean(shown: Shown) -> None:
    """Demand that nothing of the block is left, that no line was broken by the terminal, and that there is a cursor."""
    assert not any(BAR in line or " left" in line or line.startswith("hold: ") for line in shown.lines)
    assert not shown.cursor_hidden
    assert len(shown.lines) < ROWS


def test_an_interrupt_leaves_a_clean_terminal(environ: dict[str, str]) -> None:
    sent = []

    def interrupt(text: str, process: "subprocess.Popen[bytes]") -> None:
        if "MODEL=epoll" in text and not sent:
            sent.append(True)
            process.send_signal(signal.SIGINT)

    shown = in_terminal(_command("held", "load"), environ, interrupt)
    assert shown.code == 130
    assert shown.lines[-1] == "lab load: interrupted; everything that it started is removed"
    at = shown.lines.index("Removing the lab's containers ...")
    assert shown.lines[at - 1] == "master: a warning"
    _demand_clean(shown)


@pytest.mark.parametrize("plain", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_plain_lines_on_a_terminal_without_colours(environ: dict[str, str], plain: dict[str, str]) -> None:
    shown = in_terminal(_command("failed", "load"), {**environ, **plain})
    assert "\x1b" not in shown.text
    assert "held 800/800  messages 80.3/s  p99 1.310 ms  failures 0  0:05 of 1:00" in shown.lines
    assert shown.lines[-1] == "verdict: fail (exit code 3)"


def test_a_pipe_has_a_line_every_five_seconds_and_the_result_on_stdout(environ: dict[str, str]) -> None:
    done = subprocess.run(
        _command("failed", "ci"), cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 3
    assert "\x1b" not in done.stdout + done.stderr
    assert [line.split("  ")[-1] for line in done.stderr.splitlines() if line.startswith("held ")] == [
        "0:00 of 1:00",
        "0:05 of 1:00",
    ]
    assert "alert: Server full" in done.stderr
    assert done.stdout.startswith("FAIL  ")
    assert done.stdout.endswith("verdict: fail (exit code 3)\n")
    assert max(map(len, (done.stdout + done.stderr).splitlines())) <= 79


def test_result_in_a_file_has_no_colours_while_the_block_is_on_the_terminal(environ: dict[str, str]) -> None:
    with tempfile.TemporaryFile("w+") as file:
        shown = in_terminal(_command("passed", "load"), environ, stdout=file.fileno())
        file.seek(0)
        out = file.read()
    assert BAR in shown.text
    assert "\x1b" not in out
    assert out.endswith("verdict: pass (exit code 0)\n")


def _drawn(width: int, **changes: object) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    title = "hold: 800 users, 2 workers, tcp://10.0.0.5:9000"
    console.print(progress_block.drawing(second(**changes), title, min(width, 79)))  # type: ignore[arg-type]
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_block_under_a_load_shape_has_no_bar() -> None:
    assert _drawn(79, left_s=None)[1].rstrip() == "0:12, by its load shape"
    assert _drawn(79, left_s=None, level="level 2 of 9, 5 users")[1].rstrip() == "0:12, level 2 of 9, 5 users"


def test_block_has_two_alerts_at_most() -> None:
    lines = [line.rstrip() for line in _drawn(79, alerts=[{**ALERT, "name": n, "text": n} for n in "abcd"])]
    assert lines[3:] == ["! a", "! b", "! and 2 more"]


@pytest.mark.parametrize("width", [30, 60])
def test_block_fits_a_narrow_terminal(width: int) -> None:
    assert max(map(len, _drawn(width, alerts=[ALERT]))) <= width
