"""Forks: what they begin with, how they end, and that nobody outlives its parent."""

from __future__ import annotations

import errno
import io
import os
import signal
import time
from collections.abc import Iterator
from time import monotonic

import pytest

from server.monitoring.log import LogRing
from server.processes.process_table import PACE_SECONDS, Place, Processes, ending, fork, keep_only
from tests.support.several import gone, standing_still
from tests.support.sockets import DEADLINE, eventually


def code_of(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def fail() -> None:
    raise RuntimeError("this traceback is part of a test")


def sleep_long() -> None:
    time.sleep(4 * DEADLINE)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for fd in ends:
        os.close(fd)


# Forks


def test_what_runs_runs_in_a_process_of_its_own(pipe: tuple[int, int]) -> None:
    pid = fork("it", lambda: os.write(pipe[1], b"%d" % os.getpid()) and None, 0)
    assert code_of(pid) == 0
    assert int(os.read(pipe[0], 100)) == pid


def test_an_error_ends_it_with_1_and_says_whose_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    assert code_of(fork("process 7", fail, 0)) == 1
    assert capfd.readouterr().err.startswith("process 7: Traceback (most recent call last):\n")


def test_it_begins_with_the_systems_handlers_and_without_ctrl_c(pipe: tuple[int, int]) -> None:
    def tell_and_wait() -> None:
        os.write(pipe[1], b"%d" % len(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
        sleep_long()

    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    pid = fork("it", tell_and_wait, 0)
    assert int(os.read(pipe[0], 100)) == len(before)
    os.kill(pid, signal.SIGINT)
    os.kill(pid, signal.SIGTERM)
    assert code_of(pid) == -signal.SIGTERM
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_an_end_in_words() -> None:
    assert ending(0) == "ended with 0"
    assert ending(1) == "ended with 1"
    assert ending(-9) == "was killed by SIGKILL"


def test_only_what_is_named_is_kept(pipe: tuple[int, int]) -> None:
    def keep_one() -> None:
        keep_only(pipe[1])
        os.write(pipe[1], " ".join(name for name in os.listdir("/proc/self/fd") if int(name) > 2).encode())

    other = os.dup(pipe[0])
    assert code_of(fork("it", keep_one, 0)) == 0
    os.close(other)
    left = {int(name) for name in os.read(pipe[0], 1000).split()}
    assert pipe[1] in left
    assert len(left) == 2  # with the listing's own


@pytest.mark.parametrize("grace", [0.0, 0.1])
def test_nobody_outlives_its_parent_not_even_in_a_blocking_call(pipe: tuple[int, int], grace: float) -> None:
    def have_a_child() -> None:
        os.write(pipe[1], b"%d" % fork("a child", sleep_long, grace))
        sleep_long()

    parent = fork("its parent", have_a_child, 0)
    child = int(os.read(pipe[0], 100))
    assert not gone(child)
    os.kill(parent, signal.SIGKILL)
    assert code_of(parent) == -signal.SIGKILL
    eventually(lambda: gone(child), "the child has ended")


def test_nor_does_one_that_stands_still(pipe: tuple[int, int]) -> None:
    def tell_and_wait() -> None:
        os.write(pipe[1], b"%d" % os.getpid())
        sleep_long()

    def have_a_child() -> None:
        fork("a child", tell_and_wait, 0.1)
        sleep_long()

    parent = fork("its parent", have_a_child, 0)
    child = int(os.read(pipe[0], 100))
    with standing_still(child):
        pass  # To go on again is not its end, while its parent is there.
    assert not gone(child)
    with standing_still(child):
        os.kill(parent, signal.SIGKILL)
        assert code_of(parent) == -signal.SIGKILL
        eventually(lambda: gone(child), "the child has ended")


# Places


def test_a_place_is_filled_and_free_again() -> None:
    processes = Processes(LogRing(io.StringIO()))
    before = monotonic()
    one, other = Place("one", lambda: None), Place("the other", fail)
    assert processes.begin(one)
    assert processes.begin(other)
    begun = {one.pid: (one, 0), other.pid: (other, 1)}
    eventually(lambda: gone(one.pid) and gone(other.pid), "both have ended")
    ended = {pid: (place, code) for place, pid, code in processes.reap()}
    assert ended == begun
    assert one.pid == other.pid == 0
    assert before + PACE_SECONDS <= one.due_at <= monotonic() + PACE_SECONDS
    assert list(processes.reap()) == []


def test_where_one_after_the_other_fails_at_once_the_next_comes_later_and_later() -> None:
    processes = Processes(LogRing(io.StringIO()))
    place = Place("one that fails", fail)

    def pace() -> float:
        assert processes.begin(place)
        pid, begun_at = place.pid, place.begun_at
        eventually(lambda: gone(pid), "it has ended")
        place.begun_at = max(place.begun_at, monotonic())  # However slow this machine is.
        list(processes.reap())
        place.begun_at = begun_at
        return place.due_at - begun_at

    assert [round(pace()) for _ in range(7)] == [2, 4, 8, 16, 30, 30, 30]
    place.run = lambda: None
    assert round(pace()) == PACE_SECONDS


def test_a_strangers_end_is_none_of_ours() -> None:
    processes = Processes(LogRing(io.StringIO()))
    place = Place("ours", sleep_long)
    processes.begin(place)
    stranger = fork("a stranger", lambda: None, 0)
    eventually(lambda: gone(stranger), "the stranger has ended")
    assert list(processes.reap()) == []
    with pytest.raises(ChildProcessError):
        os.waitpid(stranger, 0)  # It is buried all the same.
    pid = place.pid
    processes.kill()
    assert gone(pid)


def test_what_can_not_begin_is_said_once_and_tried_again() -> None:
    stream = io.StringIO()
    log = LogRing(stream)
    log.start()
    failures = [OSError(errno.EMFILE, "too many"), OSError(errno.EMFILE, "too many"), None]

    def prepare() -> None:
        if (failure := failures.pop(0)) is not None:
            raise failure

    processes = Processes(log)
    place = Place("process 7", sleep_long, prepare)
    assert [processes.begin(place) for _ in range(3)] == [False, False, True]
    assert place.times == 1
    processes.kill()
    log.close()
    assert stream.getvalue() == "process 7 can't begin, and is tried again every second: too many\n"
