"""The processes of the server, as its metrics name them."""

from lab.drills.processes import serving
from tests.support.drill_stages import settings, stage


def test_pids_and_what_each_holds() -> None:
    found, _ = stage(held={0: 33, 1: 67})
    assert serving.pids(found) == {0: 10, 1: 11}
    assert serving.held(found) == {0: 33, 1: 67}


def test_a_server_of_ones_own_has_no_processes_that_are_known() -> None:
    assert "only the lab's own server" in serving.unfit(settings(SERVER_COMMAND="sleep 9"))
