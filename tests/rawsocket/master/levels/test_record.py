"""What is kept of the levels of a run."""

import math

from rawsocket.master.levels.record import Counted, LevelRecord, Levels
from rawsocket.shapes.shape import Level, Shape, Steps
from tests.rawsocket.master.test_timeline import SAMPLE
from tests.support.reports import report

SHAPE = Steps(5, 10, by=5, hold=20)


def _levels(shape: Shape | None = SHAPE) -> Levels:
    return Levels(shape, set())


def _begun(hold_s: float = 20.0) -> tuple[Levels, LevelRecord]:
    levels = _levels()
    return levels, levels.begin(Level(5, hold_s), 100.0, Counted())


def test_run_without_a_shape_has_no_levels() -> None:
    levels = _levels(None)
    assert not levels
    assert levels.current is None
    levels.add("a", report(), 0.0, at_stop=False)
    levels.add_sample(SAMPLE)
    levels.stopping(5.0)
    assert (levels.records, levels.latencies_at_stop(), levels.text) == ([], [], "")


def test_where_a_run_is() -> None:
    levels, _ = _begun()
    assert levels.text == "level 1 of 2, 5 users"


def test_counts_since_a_moment() -> None:
    before = Counted(2, 10, {"get": (5, 1)})
    now = Counted(5, 30, {"get": (15, 4), "set": (7, 0)})
    assert now.since(before) == Counted(3, 20, {"get": (10, 3), "set": (7, 0)})


def test_window_opens_some_time_after_the_level_is_held_and_closes_with_it() -> None:
    levels, level = _begun()
    levels.open_window(200.0, {})
    assert level.window is None  # it is not held yet
    levels.hold(110.0)
    assert level.window
    levels.open_window(111.0, {"a": None})
    assert not level.window.opened
    levels.open_window(112.0, {"a": None})
    levels.add("a", report(wall_s=1.0, rows={"get": {200: 3}}), 0.0, at_stop=False)
    levels.add_sample(SAMPLE)
    levels.end(130.0, Counted(1, 3))
    assert (level.window.seconds, levels.current) == (18.0, None)
    levels.add("a", report(wall_s=2.0, rows={"get": {900: 3}}), 1.0, at_stop=False)
    assert level.window.latencies.due_of("get") == {200: 3}


def test_connects_of_a_ramp_belong_to_its_level() -> None:
    levels, level = _begun()
    levels.add("a", report(rows={"connect": {300: 5}, "get": {200: 1}}), 0.0, at_stop=False)
    assert level.connects.due_of("connect") == {300: 5}
    assert level.connects.due_of("get") == {}


def test_stop_cuts_a_level_short_unless_its_time_is_over() -> None:
    for now, cut in ((105.0, True), (115.0, True), (130.2, False)):
        levels, level = _begun()
        if now > 110.0:
            levels.hold(110.0)
        levels.stopping(now)
        assert (level.cut, level.ended_at, level.after) == (cut, now, None)


def test_level_without_an_end_is_never_cut_short() -> None:
    levels, level = _begun(math.inf)
    levels.hold(110.0)
    levels.stopping(120.0)
    assert not level.cut


def test_level_that_could_not_be_held() -> None:
    levels, level = _begun()
    levels.give_up("only 3 of 5 were held", 3)
    levels.stopping(140.0)
    assert (level.not_held, level.held_at_most, level.cut) == ("only 3 of 5 were held", 3, False)


def test_messages_that_wait_at_the_stop_belong_to_the_level_in_which_it_was_asked() -> None:
    levels, level = _begun()
    levels.hold(110.0)
    levels.open_window(112.0, {})
    levels.stopping(131.0)
    assert level.window
    assert levels.latencies_at_stop() == [level.window.latencies]


def test_cpu_of_the_server_is_the_mean_of_its_seconds() -> None:
    _, level = _begun()
    assert level.server_cpu_share is None
    level.server_cpu += [0.2, 0.4]
    assert level.server_cpu_share is not None
    assert math.isclose(level.server_cpu_share, 0.3)
