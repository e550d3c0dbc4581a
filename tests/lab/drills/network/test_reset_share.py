import pytest

from lab.drills.network.reset_share import ResetShare
from tests.support.network_drills import BEFORE, Staged, staged


def test_exactly_a_tenth_is_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    with staged(monkeypatch, 250) as (here, connections, _):
        with ResetShare().injected(here.stage):
            assert connections.talk(5.0) == {"answered": 225, "silent": 0, "reset": 25}
        assert here.own == {"reset": 25}


def test_predicts_a_tenth_of_what_is_held() -> None:
    lost, reset, notice, own = ResetShare().expects(Staged().stage, BEFORE)
    assert {(one.least, one.most) for one in (lost, reset, own)} == {(80, 80)}
    assert (notice.figure, notice.most) == ("notice_p99_s", 5)
