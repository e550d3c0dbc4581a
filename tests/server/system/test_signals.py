"""Stop requests from signals and threads, as a descriptor that a poller can watch."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator

import pytest

from server.system.signals import SIGNALS, ChildStopRequests, Stopped, StopRequests


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


def test_there_are_no_requests_at_first(stops: StopRequests) -> None:
    assert stops.read_requests() == 0


def test_requests_are_counted_once(stops: StopRequests) -> None:
    stops.request()
    stops.request()
    assert wait(stops)
    assert stops.read_requests() == 2
    assert stops.read_requests() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_a_request(stops: StopRequests, number: int) -> None:
    stops.install()
    os.kill(os.getpid(), number)
    assert wait(stops)
    assert stops.read_requests() == 1


def test_other_signals_are_no_requests(stops: StopRequests) -> None:
    stops.install()
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert wait(stops)
        assert stops.read_requests() == 0
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_blocking_call_is_interrupted_once(stops: StopRequests) -> None:
    stops.install()
    stops.interrupting = True
    with pytest.raises(Stopped):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    assert stops.read_requests() == 2


def test_closing_restores_the_default_handlers(stops: StopRequests) -> None:
    stops.install()
    stops.close()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_signal_that_is_no_request_can_wake_the_loop(stops: StopRequests) -> None:
    before = signal.getsignal(signal.SIGCHLD)
    stops.install((*SIGNALS, signal.SIGCHLD))
    os.kill(os.getpid(), signal.SIGCHLD)
    assert wait(stops)
    assert stops.read_requests() == 0
    stops.close()
    assert signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL
    signal.signal(signal.SIGCHLD, before)


# With a parent process


def test_a_child_that_is_stopped_by_itself_counts_its_signals() -> None:
    stops = ChildStopRequests(lambda: 0)
    stops.request()
    stops.request()
    assert stops.read_requests() == 2
    stops.close()


def test_when_the_parent_stops_each_of_its_requests_counts_once() -> None:
    stage = 0
    stops = ChildStopRequests(lambda: stage)
    stops.request()
    assert stops.read_requests() == 1
    stage = 1
    stops.request()
    assert stops.read_requests() == 0  # It is draining already.
    stops.request()
    assert stops.read_requests() == 0
    stage = 2
    stops.request()
    assert stops.read_requests() == 1
    stops.close()


def test_a_signal_to_the_group_and_the_parents_are_one_request() -> None:
    stops = ChildStopRequests(lambda: 1)
    stops.request()
    stops.request()
    assert stops.read_requests() == 1
    assert stops.read_requests() == 0
    stops.close()
