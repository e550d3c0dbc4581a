"""The rows of the ledger that the clients alone decide."""

from typing import Any

import pytest

from rawsocket.measurement.report import Counts, Goodbyes
from rawsocket.verdict.ledger import OK, UNEXPLAINED
from rawsocket.verdict.ledger_rows import outcomes
from tests.support.counts import clients, judged, server


@pytest.mark.parametrize(
    ("what", "ours", "wanted"),
    [
        ("connects begun", {"attempted": 103, "abandoned": 2, "failed": {"refused": 3}},
         ({"connected": 100, "refused": 3, "abandoned": 2}, 0, OK)),
        ("connects begun", {"attempted": 101}, ({"connected": 100}, 1, UNEXPLAINED)),
        ("connections made", {"closed": 90, "dropped": {"reset": 10}}, ({"client": 90, "reset": 10}, 0, OK)),
        ("connections made", {"closed": 99, "held_now": 1}, ({"client": 99, "held": 1}, 0, OK)),
        ("messages due", {"due": 1005, "unsent": {"closed": 4, "stopped": 1}},
         ({"sent": 1000, "closed": 4, "stopped": 1}, 0, OK)),
        ("messages sent", {"answered": 999}, ({"answered": 999}, 1, UNEXPLAINED)),
        ("messages sent", {"answered": 990, "oneway": 10}, ({"answered": 990, "oneway": 10}, 0, OK)),
        ("messages sent", {"answered": 998, "wrong": 2, "dropped": {"short": 2}, "closed": 98},
         ({"answered": 998, "short": 2}, 0, OK)),
        # One of them was unrequested; which one is unknown.
        ("messages sent", {"answered": 999, "wrong": 1, "dropped": {"short": 1, "wrong": 1}, "closed": 98},
         ({"answered": 999, "wrong": 1}, 0, OK)),
    ],
)  # fmt: skip
def test_outcomes_of_the_clients_alone(what: str, ours: Counts, wanted: tuple[Any, ...]) -> None:
    assert judged(what, clients(**ours), server()) == wanted


def test_row_of_goodbyes_says_how_many_were_cut_off_and_is_left_out_without_any() -> None:
    told = Counts(goodbyes=Goodbyes(begun=20, said=18))
    assert ("goodbyes", 20, {"said": 18, "cut-off": 2}) in outcomes(told)
    assert "goodbyes" not in [what for what, *_ in outcomes(Counts())]
