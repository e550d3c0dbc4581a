"""Stop requests: from signals and from threads, as something that a poller can wait for."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator

import pytest

from server.system.signals import SIGNALS, OrderedStops, Stopped, StopRequests


@pytest.fixture
def stops() -> Iterator[StopRequests]:
    made = StopRequests()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield made
    made.close()
    for number, handler in before.items():
        signal.signal(number, handler)


def wait(stops: StopRequests) -> bool:
    return bool(select.select([stops.fileno()], [], [], 30)[0])


def test_nothing_has_come_at_first(stops: StopRequests) -> None:
    assert stops.take() == 0


def test_requests_are_counted_once(stops: StopRequests) -> None:
    stops.request()
    stops.request()
    assert wait(stops)
    assert stops.take() == 2
    assert stops.take() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_a_request(stops: StopRequests, number: int) -> None:
    stops.install()
    os.kill(os.getpid(), number)
    assert wait(stops)
    assert stops.take() == 1


def test_other_signals_are_not(stops: StopRequests) -> None:
    stops.install()
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert wait(stops)
        assert stops.take() == 0
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_who_blocks_is_interrupted_once(stops: StopRequests) -> None:
    stops.install()
    stops.interrupting = True
    with pytest.raises(Stopped):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    assert stops.take() == 2


def test_closing_gives_the_signals_back(stops: StopRequests) -> None:
    stops.install()
    stops.close()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_signals_that_are_no_requests_can_wake_as_well(stops: StopRequests) -> None:
    before = signal.getsignal(signal.SIGCHLD)
    stops.install((*SIGNALS, signal.SIGCHLD))
    os.kill(os.getpid(), signal.SIGCHLD)
    assert wait(stops)
    assert stops.take() == 0
    stops.close()
    assert signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL
    signal.signal(signal.SIGCHLD, before)


# Below a parent


def test_a_process_that_is_stopped_by_itself_counts_its_signals() -> None:
    stops = OrderedStops(lambda: 0)
    stops.request()
    stops.request()
    assert stops.take() == 2
    stops.close()


def test_from_when_the_parent_stops_its_orders_count_and_each_once() -> None:
    stage = 0
    stops = OrderedStops(lambda: stage)
    stops.request()
    assert stops.take() == 1
    stage = 1
    stops.request()
    assert stops.take() == 0  # It drains already.
    stops.request()
    assert stops.take() == 0
    stage = 2
    stops.request()
    assert stops.take() == 1
    stops.close()


def test_a_group_signal_and_the_parents_are_one_request() -> None:
    stops = OrderedStops(lambda: 1)
    stops.request()
    stops.request()
    assert stops.take() == 1
    assert stops.take() == 0
    stops.close()
