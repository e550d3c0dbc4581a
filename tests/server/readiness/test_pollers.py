"""One suite over all pollers, on socket pairs."""

from __future__ import annotations

import fcntl
import resource
import socket
from collections.abc import Iterator
from time import monotonic

import pytest

from server.readiness.pollers import (
    CALLS_BETWEEN_CHECKS,
    FD_SETSIZE,
    FULL_SCAN_SECONDS,
    MIN_FOR_HOT_SET,
    EpollPoller,
    Poller,
    PollPoller,
    SelectPoller,
)


@pytest.fixture(params=[SelectPoller, PollPoller, EpollPoller])
def poller(request: pytest.FixtureRequest) -> Iterator[Poller]:
    made = request.param()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


Pair = tuple[socket.socket, socket.socket]


def wait(poller: Poller, timeout: float = 0) -> tuple[list[int], list[int]]:
    readable, writable = poller.wait(timeout)
    return list(readable), list(writable)


def test_waiting_without_descriptors_is_a_pause(poller: Poller) -> None:
    assert wait(poller) == ([], [])


def test_input_is_reported_until_it_is_read(poller: Poller, pair: Pair) -> None:
    ours, theirs = pair
    poller.watch(ours.fileno(), True, False)
    assert wait(poller) == ([], [])
    theirs.send(b"x")
    assert wait(poller, 30) == wait(poller, 30) == ([ours.fileno()], [])
    ours.recv(1)
    assert wait(poller) == ([], [])


def test_interest_can_change_both_ways(poller: Poller, pair: Pair) -> None:
    ours, theirs = pair
    fd = ours.fileno()
    theirs.send(b"x")
    for read, write in [(True, True), (False, True), (True, False), (False, False), (True, True)]:
        poller.watch(fd, read, write)
        assert wait(poller) == ([fd] * read, [fd] * write)


def test_a_forgotten_descriptor_is_not_reported_and_may_be_forgotten_again(poller: Poller, pair: Pair) -> None:
    ours, theirs = pair
    poller.watch(ours.fileno(), True, True)
    theirs.send(b"x")
    assert wait(poller) == ([ours.fileno()], [ours.fileno()])
    poller.forget(ours.fileno())
    poller.forget(ours.fileno())
    assert wait(poller) == ([], [])


def test_watching_again_costs_nothing_and_changes_nothing(poller: Poller, pair: Pair) -> None:
    ours, _ = pair
    poller.watch(ours.fileno(), False, True)
    poller.watch(ours.fileno(), False, True)
    assert wait(poller) == ([], [ours.fileno()])


def test_a_reused_number_is_a_new_descriptor(poller: Poller) -> None:
    first, other = socket.socketpair()
    fd = first.fileno()
    poller.watch(fd, True, False)
    poller.forget(fd)
    first.close()
    second, another = socket.socketpair()
    with other, second, another:
        poller.watch(second.fileno(), True, False)
        another.send(b"x")
        assert wait(poller, 30) == ([second.fileno()], [])


@pytest.mark.parametrize(("read", "write"), [(True, False), (False, True)])
def test_a_reset_is_reported_for_any_interest(poller: Poller, read: bool, write: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    with ours:
        poller.watch(ours.fileno(), read, write)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        readable, writable = wait(poller, 30)
        assert ours.fileno() in (readable if read else writable)


def test_a_hang_up_alone_is_reported_once_and_as_what_was_watched() -> None:
    poller = EpollPoller()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        poller.watch(ours.fileno(), False, True)
        while True:
            try:
                ours.send(b"x" * 65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
        theirs.shutdown(socket.SHUT_RDWR)
        readable, writable = wait(poller, 30)
        assert (readable, writable) == ([], [ours.fileno()])
    poller.close()


@pytest.mark.parametrize("fd", [-1, FD_SETSIZE, FD_SETSIZE + 5])
def test_select_refuses_a_descriptor_that_would_make_its_call_fail(fd: int) -> None:
    poller = SelectPoller()
    with pytest.raises(ValueError, match="can't watch descriptor"):
        poller.watch(fd, True, False)
    assert wait(poller) == ([], [])


def test_epoll_watches_descriptors_from_1024_on() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 1100:
        pytest.skip("the hard limit of descriptors is below 1,100")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1100), hard))
    ours, theirs = socket.socketpair()
    poller = EpollPoller()
    with ours, theirs:
        high = _dup_at(ours.fileno(), FD_SETSIZE + 1)
        poller.watch(high, True, False)
        theirs.send(b"x")
        assert wait(poller, 30) == ([high], [])
        poller.forget(high)
        socket.socket(fileno=high).close()
    poller.close()


def _dup_at(fd: int, number: int) -> int:
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, number)


# The hot set of select


@pytest.fixture
def many() -> Iterator[list[Pair]]:
    pairs = [socket.socketpair() for _ in range(MIN_FOR_HOT_SET + 20)]
    yield pairs
    for ours, theirs in pairs:
        ours.close()
        theirs.close()


def with_hot_set(many: list[Pair]) -> SelectPoller:
    """A poller whose first pair alone has been active, often enough for a hot set."""
    poller = SelectPoller()
    for ours, _ in many:
        poller.watch(ours.fileno(), True, False)
    many[0][1].send(b"x")
    while poller._hot_set is None:
        poller._checked_at = float("inf")  # As if no time had passed, even on a slow machine.
        assert wait(poller) == ([many[0][0].fileno()], [])
    return poller


def test_with_little_traffic_each_call_is_a_full_scan(many: list[Pair]) -> None:
    poller = SelectPoller()
    for ours, _ in many:
        poller.watch(ours.fileno(), True, False)
    many[0][1].send(b"x")
    for _ in range(10 * CALLS_BETWEEN_CHECKS):
        poller._checked_at = 0.0
        wait(poller)
    assert poller._hot_set is None


def test_with_few_descriptors_there_is_no_hot_set(many: list[Pair]) -> None:
    poller = SelectPoller()
    for ours, _ in many[: MIN_FOR_HOT_SET - 1]:
        poller.watch(ours.fileno(), True, False)
    many[0][1].send(b"x")
    for _ in range(10 * CALLS_BETWEEN_CHECKS):
        poller._checked_at = float("inf")
        wait(poller)
    assert poller._hot_set is None


def test_a_descriptor_outside_the_hot_set_is_found_by_the_next_full_scan(many: list[Pair]) -> None:
    poller = with_hot_set(many)
    many[50][1].send(b"x")
    until = monotonic() + FULL_SCAN_SECONDS
    found, last_call = False, 0.0
    while not found:
        last_call = monotonic()
        found = many[50][0].fileno() in wait(poller, 30)[0]
    assert poller._hot_set is not None
    assert last_call <= until + 5  # It is bounded; how long a call takes depends on the machine.
    many[0][0].recv(1)
    assert wait(poller, 30) == ([many[50][0].fileno()], [])  # It is in the hot set now: no full scan is needed.


def test_silence_ends_the_hot_set_and_the_wait_is_one_call(many: list[Pair]) -> None:
    poller = with_hot_set(many)
    many[0][0].recv(1)
    assert wait(poller, 0.05) == ([], [])
    assert poller._hot_set is None


def test_more_than_a_quarter_active_ends_the_hot_set(many: list[Pair]) -> None:
    poller = with_hot_set(many)
    for _, theirs in many[: len(many) // 4 + 2]:
        theirs.send(b"x")
    while poller._hot_set is not None:
        wait(poller, 30)
    assert len(wait(poller)[0]) == len(many) // 4 + 2


def test_a_forgotten_descriptor_leaves_the_hot_set(many: list[Pair]) -> None:
    poller = with_hot_set(many)
    fd = many[0][0].fileno()
    poller.forget(fd)
    assert wait(poller, 0.01) == ([], [])
    poller.watch(fd, True, False)
    assert wait(poller, 30) == ([fd], [])


def test_writability_is_reported_with_a_hot_set(many: list[Pair]) -> None:
    poller = with_hot_set(many)
    fd = many[9][0].fileno()
    poller.watch(fd, True, True)
    assert fd in wait(poller, 30)[1]


def test_an_inactive_descriptor_leaves_the_hot_set(many: list[Pair]) -> None:
    poller = with_hot_set(many)
    hot_set = poller._hot_set
    assert hot_set is not None
    many[7][1].send(b"x")
    while many[7][0].fileno() not in hot_set._hot:
        wait(poller, 30)
    many[7][0].recv(1)
    while many[7][0].fileno() in hot_set._hot:
        assert poller._hot_set is hot_set
        hot_set._calls = 10_000  # Even on a slow machine.
        wait(poller, 30)
    assert many[0][0].fileno() in hot_set._hot
