import pytest

from lab.drills.network import newcomers
from lab.drills.network.syn_loss import COUNT, SynLoss
from tests.support.network_drills import BEFORE, Staged, staged


def test_connect_times_come_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    with staged(monkeypatch, 10) as (here, connections, _):
        with SynLoss().injected(here.stage):
            assert connections.talk(5.0) == {"answered": 10, "silent": 0, "reset": 0}
    # Chance alone; times are not judged here.
    assert COUNT * 0.5 < here.own["first_step"] + here.own["between_steps"] < COUNT * 0.99
    assert here.findings[0].startswith("first packets are sent after 0, 1, ")


def test_predicts_the_share_of_each_step() -> None:
    found = {one.figure: (one.least, one.most) for one in SynLoss().expects(Staged().stage, BEFORE)}
    assert found["lost"] == found["own.between_steps"] == (0, 0)
    assert found["own.first_step"] == (280 - 37, 280 + 37)
    assert found["own.second_step"] == (51, 117)
    assert newcomers.REFUSED
