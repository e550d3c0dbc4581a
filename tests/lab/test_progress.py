import re
import threading

import pytest

from lab.progress import result, say, step


def test_results_go_to_stdout_and_talk_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("wait")
    result("42")
    assert capsys.readouterr() == ("42\n", "wait\n")


def test_a_step_is_announced_and_told_when_done(capsys: pytest.CaptureFixture[str]) -> None:
    with step("Building"):
        assert capsys.readouterr().err == "Building ...\n"
    assert re.fullmatch(r"  done in \d+ s\n", capsys.readouterr().err)


def test_a_long_step_tells_that_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ticked = threading.Event()
    monkeypatch.setattr("lab.progress.say", lambda text: ticked.set() if text.startswith("  ... Building:") else None)
    with step("Building", every=0.01):
        assert ticked.wait(30)


def test_a_failed_step_ends_its_ticker_and_is_not_done(capsys: pytest.CaptureFixture[str]) -> None:
    before = threading.active_count()
    with pytest.raises(KeyError), step("Building"):
        raise KeyError
    assert threading.active_count() <= before  # what an earlier test has left may end meanwhile
    assert "done" not in capsys.readouterr().err
