"""Too few descriptors: what is predicted, a run, and a limit that is not put back."""

from pathlib import Path

import pytest

from lab.drills.shortage import few_descriptors
from lab.drills.shortage.few_descriptors import FewDescriptors
from tests.support.drill_stages import BEFORE, bounds, settings, stage
from tests.support.drilled import SHORT, drilled, measured


def test_prediction() -> None:
    found = bounds(FewDescriptors().expects(stage(PROCESSES="2")[0], BEFORE))
    assert found["own.served"] == (0, 10)
    assert (found["lost"], found["own.left"], found["held_min"]) == ((0, 0), (0, 0), (100, None))


def test_where_it_can_run() -> None:
    assert FewDescriptors().refusal("native", settings()) == ""
    assert FewDescriptors().refusal("native", settings(SERVER_COMMAND="sh")).startswith("only the lab's own server")


def test_arithmetic_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, document = drilled(monkeypatch, tmp_path, "few-descriptors", **SHORT)
    assert code == 0, document["reasons"]
    assert measured(document)["own.served"] <= 5


def test_limit_that_is_not_put_back_is_detected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    output = few_descriptors.output
    monkeypatch.setattr(few_descriptors, "output", lambda words: "" if "restore" in words else output(words))
    code, document = drilled(monkeypatch, tmp_path, "few-descriptors", wanted=3, **SHORT)
    assert (code, document["drill"]["outcome"]) == (3, "not recovered")
    assert any(reason.startswith("own.left: 1") for reason in document["reasons"])
