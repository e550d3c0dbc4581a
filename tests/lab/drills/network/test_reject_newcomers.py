import pytest

from lab.drills.network import reject_newcomers
from lab.drills.network.reject_newcomers import RejectNewcomers
from tests.support.network_drills import BEFORE, SIDES, Staged, bounds, staged


@pytest.mark.parametrize("given", SIDES)
def test_newcomers_are_refused_and_connections_go_on(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> None:
    with staged(monkeypatch, 10, **given) as (here, connections, _):
        with RejectNewcomers().injected(here.stage):
            assert connections.talk(5.0) == {"answered": 10, "silent": 0, "reset": 0}
        assert here.own == {"refused": reject_newcomers.COUNT}


def test_predicts_that_nothing_is_lost() -> None:
    found = bounds(RejectNewcomers().expects(Staged().stage, BEFORE))
    assert found == {"lost": (0, 0), "held_min": (800, None), "own.refused": (50, 50)}
