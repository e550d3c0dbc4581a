"""The processes of the server, as its metrics name them."""

import pytest

from lab.drills.drill import Drill
from lab.drills.processes import serving
from lab.drills.processes.process_killed import ProcessKilled
from lab.drills.processes.processes_rolling import ProcessesRolling
from tests.support.drill_stages import settings, stage


def test_pids_and_what_each_holds() -> None:
    found, _ = stage(held={0: 33, 1: 67})
    assert serving.pids(found) == {0: 10, 1: 11}
    assert serving.held(found) == {0: 33, 1: 67}


@pytest.mark.parametrize("drill", [ProcessKilled(), ProcessesRolling()])
def test_a_server_of_ones_own_has_no_processes_that_are_known(drill: Drill) -> None:
    assert "only the lab's own server" in drill.refusal("native", settings(SERVER_COMMAND="sleep 9"))
