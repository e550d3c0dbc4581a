import pytest

from lab.drills.network.black_hole import BlackHole
from lab.drills.network.black_hole_one_way import BlackHoleOneWay
from tests.support.network_drills import BEFORE, SIDES, Staged, bounds, staged


@pytest.mark.parametrize("given", SIDES)
@pytest.mark.parametrize("drill", [BlackHole(), BlackHoleOneWay()])
def test_half_of_the_connections_are_silent_and_answered_again_after_healing(
    monkeypatch: pytest.MonkeyPatch, drill: BlackHole, given: dict[str, str]
) -> None:
    with staged(monkeypatch, 40, TIMEOUT="0.3", **given) as (here, connections, _):
        with drill.injected(here.stage):
            assert connections.talk(1.0) == {"answered": 20, "silent": 20, "reset": 0}
        # The kernel sends again what was lost: nothing of it is missing, only late.
        assert connections.talk(10.0) == {"answered": 40, "silent": 0, "reset": 0}
        assert here.own == ({} if given else {"half_open": 0})
        assert ["TARGET may still hold" in said for said in here.findings] == ([True] if given else [])


def test_who_waits_for_a_reply_for_longer_than_timeout_is_lost() -> None:
    here = Staged(for_s=23.0, EVERY="10", TIMEOUT="10")
    assert bounds(BlackHole().expects(here.stage, BEFORE)) == {
        "lost": (400, 400), "dropped.reset": (0, 0), "own.half_open": (0, 400), "notice_p50_s": (8, 25)
    }  # fmt: skip


def test_half_of_the_users_had_a_message_due_early_enough() -> None:
    here = Staged(for_s=18.0, EVERY="10", TIMEOUT="10")
    assert bounds(BlackHole().expects(here.stage, BEFORE))["lost"] == (200 - 40, 400)


def test_what_a_target_still_holds_is_not_predicted() -> None:
    of_target = Staged(for_s=23.0, EVERY="10", TIMEOUT="10", **SIDES[1])
    assert "own.half_open" not in bounds(BlackHole().expects(of_target.stage, BEFORE))


def test_nobody_is_lost_in_a_short_fault() -> None:
    found = bounds(BlackHole().expects(Staged(for_s=4.0, EVERY="10", TIMEOUT="10").stage, BEFORE))
    assert found == dict.fromkeys(("lost", "dropped.reset", "own.half_open"), (0, 0))


def test_lasts_until_each_user_has_missed_a_reply() -> None:
    assert BlackHole().seconds(Staged(EVERY="4", TIMEOUT="3").settings) == 10
