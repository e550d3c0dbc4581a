import signal
from pathlib import Path

import pytest
import requests

from lab.errors import (
    EXIT_LAB_FAILED,
    EXIT_USAGE,
    Interrupted,
    LabError,
    UsageError,
    finish_despite_interrupt,
    interrupts_wait,
    last_lines,
    one_line,
    usage_error,
    writing,
)


def test_each_error_has_its_exit_code() -> None:
    assert LabError("x").exit_code == EXIT_LAB_FAILED == 1
    assert UsageError("x").exit_code == EXIT_USAGE == 2


def test_evidence_is_the_last_twenty_lines() -> None:
    error = LabError("build failed", "".join(f"line {n}  \n" for n in range(50)) + "\n\n")
    assert error.evidence.splitlines() == [f"line {n}" for n in range(30, 50)]
    assert str(error) == "build failed"


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\x85b", "a\u2028b"])
def test_error_is_one_line_whatever_its_values(text: str) -> None:
    assert str(UsageError(f"X={text}\n")) == f"X={repr(text)[1:-1]}"
    assert len(str(UsageError(text)).splitlines()) == 1


def test_text_without_line_breaks_stays_as_it_is() -> None:
    assert one_line("'ä\\n' - 5\t6") == "'ä\\n' - 5\t6"


def test_what_can_not_be_written_is_named(tmp_path: Path) -> None:
    line = r"^could not write \S+/file: No such file or directory$"
    with pytest.raises(LabError, match=line), writing(tmp_path / "file"):
        (tmp_path / "none/file").write_text("x")


def test_errors_of_the_engine_are_no_errors_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(requests.ConnectionError), writing(tmp_path):
        raise requests.ConnectionError("gone")


@pytest.mark.parametrize(("text", "lines"), [("", ""), ("one", "one"), ("a\r\nb\n", "a\nb")])
def test_last_lines_of_little(text: str, lines: str) -> None:
    assert last_lines(text) == lines


@pytest.mark.parametrize(
    ("role", "log", "said"),
    [
        ("server", "listening\nholdfast server: --port 1: no\n", "server: --port 1: no"),
        ("worker", "SOURCES=x: no\n", "worker: SOURCES=x: no"),
        ("master", "\n", "master: ended with 2 and wrote nothing"),
    ],
)
def test_a_usage_error_is_the_programs_own_line(role: str, log: str, said: str) -> None:
    error = usage_error(role, log)
    assert (str(error), error.exit_code, error.evidence) == (said, EXIT_USAGE, "")


def test_except_exception_does_not_catch_an_interrupt() -> None:
    assert not issubclass(Interrupted, Exception)


def test_a_clean_up_is_called_once() -> None:
    calls: list[int] = []
    finish_despite_interrupt(lambda: calls.append(1))
    assert calls == [1]


def test_an_interrupted_clean_up_is_repeated_before_the_interrupt_is_raised() -> None:
    calls: list[str] = []

    def clean_up() -> None:
        calls.append("started")
        if len(calls) == 1:
            raise Interrupted
        calls.append("done")

    with pytest.raises(Interrupted):
        finish_despite_interrupt(clean_up)
    assert calls == ["started", "started", "done"]


def test_an_interrupt_waits_until_what_is_started_is_known() -> None:
    started: list[str] = []

    def start() -> None:
        with interrupts_wait():
            signal.raise_signal(signal.SIGINT)
            started.append("process")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert started == ["process"]
    with interrupts_wait():
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
