"""The service that a model is given."""

from server.monitoring.counters import DRAINING, SERVING
from tests.support.services import service


def test_draining_is_a_stage_of_the_board() -> None:
    with service() as made:
        assert not made.draining
        made.draining = True
        assert made.board.stage == DRAINING
        made.draining = False
        assert made.board.stage == SERVING
