"""Garbage: where it can be sent, what is predicted, and a run."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab.drills.clients.garbage import Garbage
from tests.lab.drills.clients.test_badly_behaved import FIGURES
from tests.support.drill_stages import BEFORE, bounds, settings, stage
from tests.support.drilled import SHORT, drilled, measured


def test_where_it_can_run() -> None:
    assert Garbage().refusal("native", settings(TARGET="tcp://a:1", FRAMING="chunk")) == ""
    assert Garbage().refusal("native", settings(FRAMING="chunk")) == "in chunk framing all bytes are a message"


def test_garbage_that_the_server_keeps_is_noticed() -> None:
    figures: dict[str, float] = {}
    found = replace(stage()[0], measured=figures.__setitem__)
    Garbage().report(found, SimpleNamespace(figures={**FIGURES, "rejected": 19}))  # type: ignore[arg-type]
    assert figures["not_rejected"] == 1
    predicted = bounds(Garbage().expects(found, BEFORE))
    assert predicted["own.not_rejected"] == (0, 0)
    assert "own.seen" not in predicted


def test_arithmetic_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, document = drilled(monkeypatch, tmp_path, "garbage", **SHORT)
    assert code == 0, document["reasons"]
    assert measured(document)["own.not_rejected"] == 0
    assert document["ledger"]["reconciled"]
