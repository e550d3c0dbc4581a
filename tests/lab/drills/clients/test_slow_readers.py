"""Slow readers: where they can run, and a run."""

from pathlib import Path

import pytest

from lab.drills.clients.slow_readers import SlowReaders
from tests.support.drill_stages import settings
from tests.support.drilled import SHORT, drilled, measured


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ""),
        ({"APP": "hello"}, "it needs replies as large as its messages: APP=echo"),
        ({"TARGET": "tcp://a:1"}, ""),
        ({"TARGET": "tcp://a:1", "SCENARIO": "churn"}, "it needs a message that the server answers"),
    ],
)
def test_where_it_can_run(given: dict[str, str], said: str) -> None:
    assert SlowReaders().refusal("native", settings(**given)).startswith(said)


def test_arithmetic_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, document = drilled(monkeypatch, tmp_path, "slow-readers", **SHORT)
    assert code == 0, document["reasons"]
    assert (measured(document)["own.seen"], measured(document)["own.left"]) == (20, 0)
    opened = next(row for row in document["ledger"]["rows"] if row["what"] == "connections opened")
    assert opened["explained"] == {"drill": 20}
    assert document["ledger"]["reconciled"]
