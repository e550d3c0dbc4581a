import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import math
import os
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from rawsocket.engine import deadlines as module
from rawsocket.engine.deadlines import SWEEP_LEAST, SWEEP_MOST, SWEEPS, Deadlines
from rawsocket.engine.reactor import READABLE, Reactor
from rawsocket.measurement.locust_stats import Batch
from rawsocket.measurement.recorder import Recorder
from tests.support.local_run import wait_until


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    made = Reactor()
    yield made
    made.close()


class Connection:
    """The part of a connection that deadlines use."""

    def __init__(self, connected_at: float = 0.0, deadline: float = float("inf")) -> None:
        self.is_open = True
        self.connected_at = connected_at
        self.deadline = deadline
        self.overdue_at = 0.0
        self.settled_at = 0.0
        self.config = SimpleNamespace(accounting=SimpleNamespace(settle=self._settle))

    def _settle(self, connection: "Connection") -> None:
        assert connection is self
        self.settled_at = time.perf_counter()

    def overdue(self, now: float) -> None:
        self.overdue_at = now
        self.deadline = float("inf")

    def on_ready(self, events: int) -> None:
        raise AssertionError("no data arrives here")


def test_connection_settles_after_silence_and_not_before(reactor: Reactor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "SETTLES_AFTER", 0.1)
    deadlines = Deadlines(reactor)
    first, lost = Connection(time.perf_counter()), Connection(time.perf_counter())
    deadlines.settle_later(lost)
    deadlines.settle_later(first)
    lost.is_open = False
    wait_until(lambda: first.settled_at)
    assert first.settled_at - first.connected_at >= 0.1
    assert lost.settled_at == 0


def test_connection_settles_only_after_what_arrived_during_a_stop_of_the_process_was_read(reactor: Reactor):
    deadlines = Deadlines(reactor)
    connection = Connection(connected_at=100.0)
    deadlines.settle_later(connection)
    deadlines._settle(100.1)
    deadlines._settle(110.0)  # the process was stopped: a refusal may be there, unread
    assert not connection.settled_at
    deadlines._settle(110.05)
    assert connection.settled_at


def test_a_connection_past_its_deadline_is_overdue(reactor: Reactor):
    deadlines = Deadlines(reactor)
    deadlines.at_least(0.4)
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


def test_shortest_timeout_sets_the_sweep_interval_within_bounds(reactor: Reactor):
    deadlines = Deadlines(reactor)
    assert deadlines._sweeps.seconds == SWEEP_MOST
    for timeout, every in ((1000, SWEEP_MOST), (2, 2 / SWEEPS), (6, 2 / SWEEPS), (0, SWEEP_LEAST)):
        deadlines.at_least(timeout)
        assert deadlines._sweeps.seconds == every


def test_sweep_bins_the_times_of_each_recorder(reactor: Reactor):
    recorder = Recorder()
    Deadlines(reactor).recorders.add(recorder)
    row = Batch(recorder)["message"]
    row.plain.append(0.001)
    wait_until(lambda: row.successes == 1)
    assert row.plain == []


def test_outstanding_replies_are_those_that_waited_at_the_sweep_before_the_last_one(reactor: Reactor):
    """A process that was stopped has yet to read what has come meanwhile."""
    deadlines, now = Deadlines(reactor), time.perf_counter()
    waiting = [SimpleNamespace(deadline=now, awaited_since=now - age, overdue=lambda now: None) for age in (12.0, 5.0)]
    idle = SimpleNamespace(deadline=math.inf, awaited_since=now - 99)
    connecting = SimpleNamespace(deadline=now, overdue=lambda now: None)
    reactor._handlers = dict(enumerate([*waiting, idle, connecting]))
    deadlines._sweep(now)
    assert deadlines.outstanding(3.0) == []
    deadlines._sweep(now)
    assert [int(seconds) for seconds in deadlines.outstanding(3.0)] == [12, 5]
    assert [int(seconds) for seconds in deadlines.outstanding(6.0)] == [12]
    reactor._handlers = {}
