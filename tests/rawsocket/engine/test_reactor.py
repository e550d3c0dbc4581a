import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import itertools
import os
import time
from collections.abc import Iterator

import gevent
import pytest

from rawsocket.engine.reactor import FAR, READABLE, SLICE, WRITABLE, Periodic, Reactor
from tests.support.running import wait_until


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    made = Reactor()
    yield made
    made.close()


class Bell:
    """Notes when it rings."""

    def __init__(self, rung: list[tuple["Bell", float]] | None = None) -> None:
        self.key = 0
        self.rung: list[tuple[Bell, float]] = [] if rung is None else rung

    def on_time(self) -> None:
        self.rung.append((self, time.perf_counter()))


class Ear:
    """Notes what it is told of a descriptor."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.fails = False

    def on_ready(self, events: int) -> None:
        self.heard.append(events)
        if self.fails:
            raise LookupError("mine")


def test_timers_ring_in_order_and_never_early(reactor: Reactor):
    rung: list[tuple[Bell, float]] = []
    now = time.perf_counter()
    bells = {Bell(rung): now + seconds for seconds in (0.03, 0.7, 0.01, 0.02, 0.9, -1)}
    for bell, when in bells.items():
        reactor.at(when, bell)
    wait_until(lambda: len(rung) == len(bells))
    assert [bells[bell] for bell, _ in rung] == sorted(bells.values())
    assert all(at >= bells[bell] - 2e-6 for bell, at in rung)
    assert all(bell.key == 0 for bell in bells)


def test_a_new_timer_replaces_the_old_one_near_and_far(reactor: Reactor):
    for first, second in ((0.01, 0.05), (10, 0.05), (10, 0.6)):
        bell, when = Bell(), time.perf_counter() + second
        reactor.at(time.perf_counter() + first, bell)
        reactor.at(when, bell)
        gevent.sleep(second + 0.1)
        wait_until(lambda bell=bell: bell.rung)
        assert len(bell.rung) == 1
        assert bell.rung[0][1] >= when - 2e-6


def test_a_forgotten_timer_does_not_ring_and_is_not_kept(reactor: Reactor):
    near, far = Bell(), Bell()
    reactor.at(time.perf_counter() + 0.02, near)
    reactor.at(time.perf_counter() + 3600, far)
    reactor.forget(near)
    reactor.forget(far)
    reactor.forget(far)
    gevent.sleep(0.1)
    assert near.rung == far.rung == []
    assert not any(far in bucket for bucket in reactor._far.values())


def test_thousands_that_are_due_at_once_ring_in_slices(reactor: Reactor):
    rung: list[tuple[Bell, float]] = []
    seen: list[int] = []
    turn = gevent.get_hub().loop.prepare()
    turn.start(lambda: seen.append(len(rung)))
    when = time.perf_counter() + 0.05
    for _ in range(SLICE * 10):
        reactor.at(when, Bell(rung))
    wait_until(lambda: len(rung) == SLICE * 10)
    turn.stop()
    turn.close()
    assert max(later - earlier for earlier, later in itertools.pairwise(seen)) <= SLICE


def test_a_timer_may_set_itself_again(reactor: Reactor):
    class Again(Bell):
        def on_time(self) -> None:
            super().on_time()
            reactor.at(time.perf_counter(), self)

    bell = Again()
    reactor.at(time.perf_counter(), bell)
    wait_until(lambda: len(bell.rung) >= 5)
    reactor.forget(bell)
    assert len({round(at * 1000) for _, at in bell.rung}) >= 4  # never twice in a millisecond, so others have a turn


def test_what_fails_is_reported_and_does_no_harm_to_others(reactor: Reactor, capsys: pytest.CaptureFixture[str]):
    class Fails(Bell):
        def on_time(self) -> None:
            raise LookupError("mine")

    good, when = Bell(), time.perf_counter() + 0.01
    reactor.at(when, Fails())
    reactor.at(when, good)
    wait_until(lambda: good.rung)
    assert "LookupError: mine" in capsys.readouterr().err


def test_descriptors_are_watched_changed_and_forgotten(reactor: Reactor):
    inlet, outlet = os.pipe2(os.O_NONBLOCK)
    ear, other = Ear(), Ear()
    reactor.watch(inlet, ear, READABLE)
    gevent.sleep(0.01)
    assert ear.heard == []
    os.write(outlet, b"x")
    wait_until(lambda: ear.heard)
    assert set(ear.heard) == {READABLE}
    reactor.take_over(inlet, other, READABLE)
    wait_until(lambda: other.heard)
    assert reactor.handlers == [other]
    reactor.watch(outlet, ear, WRITABLE)
    ear.heard.clear()
    wait_until(lambda: WRITABLE in ear.heard)
    for end in (inlet, outlet):
        reactor.unwatch(end)
        os.close(end)
    assert reactor.handlers == []


def test_a_handler_that_fails_does_no_harm_to_others(reactor: Reactor, capsys: pytest.CaptureFixture[str]):
    pipes = [os.pipe2(os.O_NONBLOCK) for _ in range(2)]
    ears = [Ear(), Ear()]
    ears[0].fails = True
    for (inlet, outlet), ear in zip(pipes, ears, strict=True):
        reactor.watch(inlet, ear, READABLE)
        os.write(outlet, b"x")
    wait_until(lambda: all(ear.heard for ear in ears))
    for ends in pipes:
        reactor.unwatch(ends[0])
        for end in ends:
            os.close(end)
    assert "LookupError: mine" in capsys.readouterr().err


def test_a_descriptor_closed_by_anothers_doing_in_the_same_turn_is_left_alone(reactor: Reactor):
    pipes = [os.pipe2(os.O_NONBLOCK) for _ in range(2)]

    class Closes(Ear):
        def on_ready(self, events: int) -> None:
            super().on_ready(events)
            for inlet, _ in pipes:
                reactor.unwatch(inlet)
                os.close(inlet)

    closing = [Closes(), Closes()]
    for (inlet, outlet), ear in zip(pipes, closing, strict=True):
        reactor.watch(inlet, ear, READABLE)
        os.write(outlet, b"x")
    wait_until(lambda: any(ear.heard for ear in closing))
    gevent.sleep(0.01)
    assert sum(len(ear.heard) for ear in closing) == 1


def test_a_chore_is_done_again_and_again(reactor: Reactor):
    done: list[float] = []
    Periodic(reactor, 0.01, done.append)
    wait_until(lambda: len(done) >= 3)
    assert all(later - earlier >= 0.01 - 2e-6 for earlier, later in itertools.pairwise(done))


def test_the_far_bucket_is_worth_its_while():
    assert FAR >= 100
