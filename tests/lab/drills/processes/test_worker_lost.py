"""What the drills have in common in which a worker is lost."""

import pytest

from lab.drills.processes.worker_frozen import WorkerFrozen
from lab.drills.processes.worker_killed import WorkerKilled
from lab.drills.processes.worker_lost import WorkerLost
from tests.support.drill_stages import BEFORE, bounds, settings, stage

BOTH = pytest.mark.parametrize("drill", [WorkerKilled(), WorkerFrozen()], ids=["killed", "frozen"])


@BOTH
def test_the_other_workers_keep_what_they_hold(drill: WorkerLost) -> None:
    found, _ = stage(10.0, WORKERS="4")
    expected = bounds(drill.expects(found, BEFORE))
    assert (drill.unknown(found), drill.keeps(found, BEFORE)) == (1, 75)
    assert (expected["lost"], expected["held_min"]) == ((0, 0), (74, 76))


@BOTH
def test_it_lasts_longer_than_the_master_waits_and_needs_two_workers(drill: WorkerLost) -> None:
    assert drill.seconds(settings()) == 10.0
    assert drill.unfit(settings(WORKERS="1")) == "it needs two workers at least: WORKERS=2"


def test_worker_that_is_frozen_and_kept_is_late_by_the_drill() -> None:
    assert WorkerFrozen().disturbed(stage(2.0, WORKERS="4")[0]) == 1
    assert [drill.disturbed(stage(10.0, WORKERS="4")[0]) for drill in (WorkerFrozen(), WorkerKilled())] == [0, 0]
