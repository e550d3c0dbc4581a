import pytest

from lab.drills.network.reset_share import ResetShare
from tests.support.network_drills import BEFORE, SIDES, Staged, bounds, staged


@pytest.mark.parametrize("given", SIDES)
def test_exactly_a_tenth_is_reset(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> None:
    with staged(monkeypatch, 250, **given) as (here, connections, _):
        with ResetShare().injected(here.stage):
            assert connections.talk(5.0) == {"answered": 225, "silent": 0, "reset": 25}
        assert here.own == {"reset": 25}


def test_predicts_a_tenth_of_what_is_held() -> None:
    found = bounds(ResetShare().expects(Staged().stage, BEFORE))
    assert found.pop("notice_p99_s") == (0, 6)
    assert found == dict.fromkeys(("lost", "dropped.reset", "own.reset"), (80, 80))
