import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import itertools
import os
import time
from collections.abc import Iterator

import gevent
import pytest

from rawsocket.engine import reactor as module
from rawsocket.engine.reactor import FAR, READABLE, SLICE, WRITABLE, Periodic, Reactor
from tests.support.local_run import wait_until


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    made = Reactor()
    yield made
    made.close()


class RecordingTimer:
    """Records when it fires."""

    def __init__(self, fired: list[tuple["RecordingTimer", float]] | None = None) -> None:
        self.key = 0
        self.fired: list[tuple[RecordingTimer, float]] = [] if fired is None else fired

    def on_time(self) -> None:
        self.fired.append((self, time.perf_counter()))


class RecordingHandler:
    """Records the events of a descriptor."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self.fails = False

    def on_ready(self, events: int) -> None:
        self.received.append(events)
        if self.fails:
            raise LookupError("mine")


def test_timers_fire_in_order_and_never_early(reactor: Reactor):
    fired: list[tuple[RecordingTimer, float]] = []
    now = time.perf_counter()
    timers = {RecordingTimer(fired): now + seconds for seconds in (0.03, 0.7, 0.01, 0.02, 0.9, -1)}
    for timer, when in timers.items():
        reactor.at(when, timer)
    wait_until(lambda: len(fired) == len(timers))
    assert [timers[timer] for timer, _ in fired] == sorted(timers.values())
    assert all(at >= timers[timer] - 2e-6 for timer, at in fired)
    assert all(timer.key == 0 for timer in timers)


def test_setting_a_timer_again_replaces_its_time(reactor: Reactor):
    for first, second in ((0.01, 0.05), (10, 0.05), (10, 0.6)):
        timer, when = RecordingTimer(), time.perf_counter() + second
        reactor.at(time.perf_counter() + first, timer)
        reactor.at(when, timer)
        gevent.sleep(second + 0.1)
        wait_until(lambda timer=timer: timer.fired)
        assert len(timer.fired) == 1
        assert timer.fired[0][1] >= when - 2e-6


def test_forgotten_timer_never_fires_and_is_not_kept(reactor: Reactor):
    near, far = RecordingTimer(), RecordingTimer()
    reactor.at(time.perf_counter() + 0.02, near)
    reactor.at(time.perf_counter() + 3600, far)
    reactor.forget(near)
    reactor.forget(far)
    reactor.forget(far)
    gevent.sleep(0.1)
    assert near.fired == far.fired == []
    assert not any(far in bucket for bucket in reactor._far.values())


def test_many_timers_due_at_once_fire_in_slices(reactor: Reactor):
    fired: list[tuple[RecordingTimer, float]] = []
    seen: list[int] = []
    turn = gevent.get_hub().loop.prepare()
    turn.start(lambda: seen.append(len(fired)))
    when = time.perf_counter() + 0.05
    for _ in range(SLICE * 10):
        reactor.at(when, RecordingTimer(fired))
    wait_until(lambda: len(fired) == SLICE * 10)
    turn.stop()
    turn.close()
    assert max(later - earlier for earlier, later in itertools.pairwise(seen)) <= SLICE


def test_timer_can_set_itself_again(reactor: Reactor):
    class Again(RecordingTimer):
        def on_time(self) -> None:
            super().on_time()
            reactor.at(time.perf_counter(), self)

    timer = Again()
    reactor.at(time.perf_counter(), timer)
    wait_until(lambda: len(timer.fired) >= 5)
    reactor.forget(timer)
    assert len({round(at * 1000) for _, at in timer.fired}) >= 4  # never twice in a millisecond, so others have a turn


def test_failing_timer_is_reported_and_others_fire(reactor: Reactor, capsys: pytest.CaptureFixture[str]):
    class Fails(RecordingTimer):
        def on_time(self) -> None:
            raise LookupError("mine")

    good, when = RecordingTimer(), time.perf_counter() + 0.01
    reactor.at(when, Fails())
    reactor.at(when, good)
    wait_until(lambda: good.fired)
    assert "LookupError: mine" in capsys.readouterr().err


def test_descriptor_is_watched_taken_over_and_unwatched(reactor: Reactor):
    inlet, outlet = os.pipe2(os.O_NONBLOCK)
    handler, other = RecordingHandler(), RecordingHandler()
    reactor.watch(inlet, handler, READABLE)
    gevent.sleep(0.01)
    assert handler.received == []
    os.write(outlet, b"x")
    wait_until(lambda: handler.received)
    assert set(handler.received) == {READABLE}
    reactor.take_over(inlet, other, READABLE)
    wait_until(lambda: other.received)
    assert reactor.handlers == [other]
    reactor.watch(outlet, handler, WRITABLE)
    handler.received.clear()
    wait_until(lambda: WRITABLE in handler.received)
    for end in (inlet, outlet):
        reactor.unwatch(end)
        os.close(end)
    assert reactor.handlers == []


def test_failing_handler_is_reported_and_others_run(reactor: Reactor, capsys: pytest.CaptureFixture[str]):
    pipes = [os.pipe2(os.O_NONBLOCK) for _ in range(2)]
    handler_pair = [RecordingHandler(), RecordingHandler()]
    handler_pair[0].fails = True
    for (inlet, outlet), handler in zip(pipes, handler_pair, strict=True):
        reactor.watch(inlet, handler, READABLE)
        os.write(outlet, b"x")
    wait_until(lambda: all(handler.received for handler in handler_pair))
    for ends in pipes:
        reactor.unwatch(ends[0])
        for end in ends:
            os.close(end)
    assert "LookupError: mine" in capsys.readouterr().err


def test_handler_of_a_descriptor_closed_in_the_same_turn_is_not_called(reactor: Reactor):
    pipes = [os.pipe2(os.O_NONBLOCK) for _ in range(2)]

    class Closes(RecordingHandler):
        def on_ready(self, events: int) -> None:
            super().on_ready(events)
            for inlet, _ in pipes:
                reactor.unwatch(inlet)
                os.close(inlet)

    closing = [Closes(), Closes()]
    for (inlet, outlet), handler in zip(pipes, closing, strict=True):
        reactor.watch(inlet, handler, READABLE)
        os.write(outlet, b"x")
    wait_until(lambda: any(handler.received for handler in closing))
    gevent.sleep(0.01)
    assert sum(len(handler.received) for handler in closing) == 1


def test_turn_ends_early_if_handlers_are_slow_and_the_rest_comes_next(
    reactor: Reactor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "TURN_S", -1.0)  # so that each handler takes longer
    pipes = [os.pipe() for _ in range(5)]
    handlers = [RecordingHandler() for _ in pipes]
    for (read, write), handler in zip(pipes, handlers, strict=True):
        reactor.watch(read, handler, READABLE)
        os.write(write, b"x")
    for turn in range(1, 6):  # though all stay readable, each has its turn
        reactor._turn()
        assert sorted(len(handler.received) for handler in handlers) == [0] * (5 - turn) + [1] * turn
    for pipe in pipes:
        reactor.unwatch(pipe[0])
        for end in pipe:
            os.close(end)


def test_periodic_callback_repeats(reactor: Reactor):
    done: list[float] = []
    Periodic(reactor, 0.01, done.append)
    wait_until(lambda: len(done) >= 3)
    assert all(later - earlier >= 0.01 - 2e-6 for earlier, later in itertools.pairwise(done))


def test_far_bucket_is_at_least_100_ms_wide():
    assert FAR >= 100


def test_on_error_gets_the_exceptions_of_timers(reactor: Reactor):
    seen: list[BaseException] = []
    reactor.on_error = seen.append

    class Failing:
        key = 0

        def on_time(self) -> None:
            raise LookupError

    reactor.at(time.perf_counter(), Failing())
    wait_until(lambda: seen)
    assert [type(error) for error in seen] == [LookupError]
