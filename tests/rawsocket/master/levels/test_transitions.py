"""The moments of a level move the run's own steady window along."""

import math

from rawsocket.master.levels import transitions
from rawsocket.master.run import Run
from rawsocket.master.run_info import RunInfo
from rawsocket.shapes.shape import Level, Steps


def _run() -> Run:
    return Run(RunInfo(shape="Steps"), started_at=0.0, workers=["a"], shape=Steps(5, 10, by=5, hold=20))


def test_window_of_the_run_has_the_steady_time_of_all_levels() -> None:
    run = _run()
    assert not transitions.begin(run, Level(5, 20.0), 0.0)
    run.ramp_complete(1.0)  # Locust's word: the level may not be held yet
    assert run.window is None
    transitions.hold(run, 3.0)
    run.open_window(5.0)
    assert run.window
    assert run.window.is_open
    transitions.end(run, 23.0)
    transitions.begin(run, Level(10, 20.0), 23.0)
    assert run.window.paused
    transitions.hold(run, 30.0)
    run.open_window(32.0)
    assert not run.window.paused
    run.stopping(50.0)
    assert run.info.steady_s == 18.0 + 18.0


def test_level_with_as_many_users_has_no_ramp() -> None:
    run = _run()
    transitions.begin(run, Level(5, 20.0), 0.0)
    transitions.hold(run, 3.0)
    run.open_window(5.0)
    transitions.end(run, 23.0)
    assert transitions.begin(run, Level(5, 20.0, settle_s=0.0), 23.0)
    assert run.window
    assert not run.window.paused
    run.ramp_started(23.0)  # Locust may say so; the level is held all the same
    assert run.levels.current
    assert run.levels.current.window
    assert run.levels.current.window.opened


def test_ramp_that_never_ends_leaves_no_window() -> None:
    run = _run()
    transitions.begin(run, Level(5, 20.0), 0.0)
    run.levels.give_up("only 3 of 5 connections were held", 3)
    assert not transitions.end(run, 30.0)
    assert not transitions.end(run, 31.0)
    run.stopping(math.inf)
    assert run.info.steady_s == 0.0
