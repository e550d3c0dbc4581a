import time

import pytest

from lab.drills.network.idle_forgotten import IdleForgotten
from tests.support.network_drills import BEFORE, SIDES, Staged, bounds, staged


@pytest.mark.parametrize("given", SIDES)
def test_who_is_silent_for_too_long_is_forgotten(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> None:
    with staged(monkeypatch, 10, EVERY="4", TIMEOUT="0.3", **given) as (here, connections, _):
        with IdleForgotten().injected(here.stage):
            assert connections.talk(5.0)["answered"] == 10
            time.sleep(2.5)  # the middlebox remembers for 2 s
            assert connections.talk(0.5) == {"answered": 0, "silent": 10, "reset": 0}
        assert connections.talk(10.0)["answered"] == 10
    assert here.findings[:1] == ["a heartbeat each 2 s at most keeps connections alive; users speak each 4 s"]


def test_all_are_lost_once_each_has_spoken() -> None:
    here = Staged(for_s=28.0, EVERY="10", TIMEOUT="10")
    assert IdleForgotten().seconds(here.settings) == 28
    found = bounds(IdleForgotten().expects(here.stage, BEFORE))
    assert found == {"lost": (800, None), "dropped.reset": (0, 0), "notice_p50_s": (13, 30)}


def test_silent_users_do_not_notice() -> None:
    assert "EVERY=0" in IdleForgotten().unfit(Staged(EVERY="0").settings)
    assert IdleForgotten().unfit(Staged().settings) == ""
