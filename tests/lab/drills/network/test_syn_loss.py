import pytest

from lab.drills.network import syn_loss
from lab.drills.network.syn_loss import COUNT, SynLoss
from tests.support.network_drills import BEFORE, SIDES, Staged, bounds, staged


@pytest.mark.parametrize("given", SIDES)
def test_connect_times_come_in_steps(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> None:
    monkeypatch.setattr(syn_loss, "WAIT_S", 3.5)
    with staged(monkeypatch, 10, **given) as (here, connections, _), SynLoss().injected(here.stage):
        assert connections.talk(5.0) == {"answered": 10, "silent": 0, "reset": 0}
    # Chance alone: a busy machine may be late, so times are not judged here.
    assert 0 < here.own["first_step"] < COUNT * 0.99
    assert here.own["first_step"] + here.own["second_step"] + here.own["between_steps"] > COUNT * 0.5
    assert here.findings[0].startswith("first packets are sent after 0, 1, ")


def test_predicts_the_share_of_each_step() -> None:
    found = bounds(SynLoss().expects(Staged().stage, BEFORE))
    assert found["lost"] == found["own.between_steps"] == (0, 0)
    assert found["own.first_step"] == (280 - 37, 280 + 37)
    assert found["own.second_step"] == (51, 117)
