import json
import re
import threading
from collections.abc import Callable

import pytest

from lab.progress import PROGRESS_LINE, SCREEN, SHAPED_LINE, message, note, readable, result, say, step
from rawsocket.master.reports import progress
from tests.support import verdicts


def test_results_go_to_stdout_and_messages_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("wait")
    result("42")
    assert capsys.readouterr() == ("42\n", "wait\n")


def test_a_note_is_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    note("a lab " * 20)
    lines = capsys.readouterr().err.splitlines()
    assert (len(lines), max(map(len, lines)) <= 79, lines[1][:2]) == (2, True, "  ")


def test_a_step_is_announced_and_its_end_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    with step("Building"):
        assert capsys.readouterr().err == "Building ...\n"
    assert re.fullmatch(r"  done in \d+ s\n", capsys.readouterr().err)


def test_a_long_step_says_that_it_still_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    ticked = threading.Event()
    monkeypatch.setattr("lab.progress.say", lambda text: ticked.set() if text.startswith("  ... Building:") else None)
    with step("Building (about a minute)", every=0.01):
        assert ticked.wait(30)


def test_a_failed_step_stops_its_ticker_and_is_not_done(capsys: pytest.CaptureFixture[str]) -> None:
    before = threading.active_count()
    with pytest.raises(KeyError), step("Building"):
        raise KeyError
    assert threading.active_count() <= before  # a thread of an earlier test may end meanwhile
    assert "done" not in capsys.readouterr().err


@pytest.mark.parametrize("left_s", [3.0, None])
def test_the_progress_line_of_the_master_is_recognised(left_s: float | None) -> None:
    """A text interface: it is how the lab learns that a run has started, and who decides on its length."""
    second = verdicts.second(left_s=left_s)
    for line in (progress.line(second), json.dumps({"progress": second})):
        assert PROGRESS_LINE.match(line)
        assert bool(SHAPED_LINE.search(line)) is (left_s is None)


@pytest.mark.parametrize("line", ["held, peak   5", '{"other": 1}', ""])
def test_other_lines_are_no_progress(line: str) -> None:
    assert not PROGRESS_LINE.match(line)
    assert message(line) == {}


def test_message_of_the_master() -> None:
    assert message('{"progress": {"held": 5}}') == {"progress": {"held": 5}}
    assert message('{"progress": {"he') == {}  # the master was killed in the middle of a line


def test_log_for_people_is_without_the_objects() -> None:
    assert readable('one\n{"progress": {}}\n{"result": {}\ntwo\n') == "one\ntwo"


@pytest.mark.parametrize("write", [say, result])
def test_what_is_drawn_in_place_is_erased_before_another_line(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[str], None]
) -> None:
    erased: list[bool] = []
    monkeypatch.setattr(SCREEN, "erase", lambda: erased.append(True))
    write("a line")
    assert erased == [True]
