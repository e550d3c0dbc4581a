import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import os
import time
from collections.abc import Iterator

import pytest

from rawsocket.engine import deadlines as sweeper_module
from rawsocket.engine.deadlines import SWEEP_LEAST, SWEEP_MOST, Sweeper
from rawsocket.engine.reactor import READABLE, Reactor
from rawsocket.measurement.locust_stats import Batch
from rawsocket.measurement.recorder import Recorder
from tests.support.running import wait_until


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    made = Reactor()
    yield made
    made.close()


class Connection:
    """What the sweeper needs of one."""

    def __init__(self, connected_at: float = 0.0, deadline: float = float("inf")) -> None:
        self.connection_id = 1
        self.connected_at = connected_at
        self.deadline = deadline
        self.overdue_at = 0.0
        self.settled_at = 0.0

    def settle(self) -> None:
        self.settled_at = time.perf_counter()

    def overdue(self, now: float) -> None:
        self.overdue_at = now
        self.deadline = float("inf")

    def on_ready(self, events: int) -> None:
        raise AssertionError("nothing comes here")


def test_a_connection_settles_after_silence_and_not_before(reactor: Reactor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sweeper_module, "SETTLES_AFTER", 0.1)
    sweeper = Sweeper(reactor, Recorder())
    first, replaced = Connection(time.perf_counter()), Connection(time.perf_counter())
    sweeper.opened(replaced)
    sweeper.opened(first)
    replaced.connection_id += 1  # it was lost, and another one is open
    wait_until(lambda: first.settled_at)
    assert first.settled_at - first.connected_at >= 0.1
    assert replaced.settled_at == 0


def test_what_is_over_its_deadline_is_told(reactor: Reactor):
    sweeper = Sweeper(reactor, Recorder())
    sweeper.look_every(0.02)
    late, patient = Connection(deadline=time.perf_counter() + 0.05), Connection()
    pipes = [os.pipe2(os.O_NONBLOCK) for _ in range(2)]
    for (inlet, _), connection in zip(pipes, (late, patient), strict=True):
        reactor.watch(inlet, connection, READABLE)
    deadline = late.deadline
    wait_until(lambda: late.overdue_at)
    assert late.overdue_at > deadline
    assert patient.overdue_at == 0
    for ends in pipes:
        reactor.unwatch(ends[0])
        for end in ends:
            os.close(end)


def test_it_looks_as_often_as_the_shortest_timeout_wants_within_bounds(reactor: Reactor):
    sweeper = Sweeper(reactor, Recorder())
    assert sweeper._deadlines.seconds == SWEEP_MOST
    for wanted, every in ((10, SWEEP_MOST), (0.1, 0.1), (0.3, 0.1), (0, SWEEP_LEAST)):
        sweeper.look_every(wanted)
        assert sweeper._deadlines.seconds == every


def test_times_are_settled_bit_by_bit(reactor: Reactor):
    recorder = Recorder()
    Sweeper(reactor, recorder)
    row = Batch(recorder)["message"]
    row.plain.append(0.001)
    wait_until(lambda: row.successes == 1)
    assert row.plain == []
