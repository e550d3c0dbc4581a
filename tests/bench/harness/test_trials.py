from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.harness import trials
from bench.results.line import AIM, MET, MISSED, UNKNOWN
from bench.results.record import Record
from lab.errors import LabError

TRIAL = Record("hold many", "ours", 1)


@dataclass
class FakeContender:
    label: str
    unavailable: Callable[[], str] = lambda: ""


def _steals(*shares: float) -> Callable[[Path], dict[str, Any]]:
    stolen: Iterator[float] = iter(shares)
    return lambda folder: {"us": 1.0, "stolen": next(stolen)}


def test_every_other_repetition_is_in_reverse_order() -> None:
    assert trials.interleaved(("a", "b", "c"), ["c", "a"], 1) == ["a", "c"]
    assert trials.interleaved(("a", "b", "c"), ["c", "a", "b"], 2) == ["c", "b", "a"]


def test_an_unavailable_contender_is_left_out_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert trials.available({"a": FakeContender("A"), "b": FakeContender("B", lambda: "it is not installed")}) == ["a"]
    assert capsys.readouterr().err == "B is left out: it is not installed\n"


def test_repetitions_are_logged_and_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contenders, records = {"a": FakeContender("A"), "b": FakeContender("B")}, list[Record]()
    orders = {1: ["a", "b"], 2: ["b", "a"]}
    once = lambda contender, folder: {"us": 1.0 if contender.label == "A" else 2.0, "stolen": 0.0}  # noqa: E731
    trials.repeat("loop", 2, orders.__getitem__, contenders, once, tmp_path, records)
    assert [(r.contender, r.repetition, r.values["us"]) for r in records] == [
        *(("a", 1, 1.0), ("b", 1, 2.0)),
        *(("b", 2, 2.0), ("a", 2, 1.0)),
    ]
    assert "[loop 2/2] B: 2.00 µs of CPU a message, 0.0% stolen\n" in capsys.readouterr().err


def test_a_trial_with_steal_time_is_measured_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = trials.run(_steals(0.3, 0.0), tmp_path, TRIAL, "[x]")
    assert (found.tries, found.values["stolen"]) == (2, 0.0)
    assert "[x]: the host stole 30.0% of a core (more than 2%): measured again" in capsys.readouterr().err


def test_attempt_with_the_least_steal_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trials.run(_steals(0.3, 0.1, 0.2), tmp_path, TRIAL, "[x]").values["stolen"] == 0.1
    assert "given up after 3 tries" in capsys.readouterr().err


def test_failure_is_recorded_and_its_evidence_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def once(folder: Path) -> dict[str, Any]:
        raise LabError("it broke", "its last line")

    found = trials.run(once, tmp_path, TRIAL, "[x]")
    assert (found.problem, found.values, found.tries) == ("it broke", {}, 1)
    assert "its last line" in capsys.readouterr().err


def test_log_folders_of_trials_are_numbered(tmp_path: Path) -> None:
    def once(folder: Path) -> dict[str, Any]:
        folder.mkdir()
        return {"stolen": 0.0}

    for _ in range(2):
        trials.run(once, tmp_path, TRIAL, "[x]")
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["001-hold-many-ours", "002-hold-many-ours"]


@pytest.mark.parametrize(
    ("outcomes", "code"), [([AIM, MET], 0), ([AIM, MISSED], 3), ([UNKNOWN, MISSED], 4), ([UNKNOWN, AIM], 4), ([], 0)]
)
def test_exit_code_of_unknown_outranks_missed(outcomes: list[str], code: int) -> None:
    assert trials.exit_code(outcomes) == code
