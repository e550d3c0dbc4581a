from lab.drills.network.black_hole_one_way import BlackHoleOneWay
from tests.support.network_drills import BEFORE, Staged, bounds


def test_server_hears_of_each_end_so_it_holds_nothing_half_open() -> None:
    here = Staged(for_s=23.0, EVERY="10", TIMEOUT="10")
    assert bounds(BlackHoleOneWay().expects(here.stage, BEFORE)) == {
        "lost": (400, 400), "dropped.reset": (0, 0), "notice_p50_s": (8, 25)
    }  # fmt: skip
