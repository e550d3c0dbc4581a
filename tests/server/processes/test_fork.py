"""A forked process: what it starts with, how it ends, and that it does not outlive its parent."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from server.processes.fork import close_descriptors_except, fork
from tests.support.many_processes import gone, standing_still
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


def test_the_function_runs_in_a_process_of_its_own(pipe: tuple[int, int]) -> None:
    pid = fork("it", lambda: os.write(pipe[1], b"%d" % os.getpid()) and None, 0)
    assert code_of(pid) == 0
    assert int(os.read(pipe[0], 100)) == pid


def test_an_error_makes_it_exit_with_1_and_is_printed_with_its_name(capfd: pytest.CaptureFixture[str]) -> None:
    assert code_of(fork("process 7", fail, 0)) == 1
    assert capfd.readouterr().err.startswith("process 7: Traceback (most recent call last):\n")


def test_a_child_starts_with_default_handlers_and_ignores_sigint(pipe: tuple[int, int]) -> None:
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


def test_only_named_descriptors_stay_open(pipe: tuple[int, int]) -> None:
    def keep_one() -> None:
        close_descriptors_except(pipe[1])
        os.write(pipe[1], " ".join(name for name in os.listdir("/proc/self/fd") if int(name) > 2).encode())

    other = os.dup(pipe[0])
    assert code_of(fork("it", keep_one, 0)) == 0
    os.close(other)
    left = {int(name) for name in os.read(pipe[0], 1000).split()}
    assert pipe[1] in left
    assert len(left) == 2  # With the listing's own.


@pytest.mark.parametrize("grace", [0.0, 0.1])
def test_a_child_in_a_blocking_call_does_not_outlive_its_parent(pipe: tuple[int, int], grace: float) -> None:
    def have_a_child() -> None:
        os.write(pipe[1], b"%d" % fork("a child", sleep_long, grace))
        sleep_long()

    parent = fork("its parent", have_a_child, 0)
    child = int(os.read(pipe[0], 100))
    assert not gone(child)
    os.kill(parent, signal.SIGKILL)
    assert code_of(parent) == -signal.SIGKILL
    eventually(lambda: gone(child), "the child has ended")


def test_a_stopped_child_does_not_outlive_its_parent(pipe: tuple[int, int]) -> None:
    def tell_and_wait() -> None:
        os.write(pipe[1], b"%d" % os.getpid())
        sleep_long()

    def have_a_child() -> None:
        fork("a child", tell_and_wait, 0.1)
        sleep_long()

    parent = fork("its parent", have_a_child, 0)
    child = int(os.read(pipe[0], 100))
    with standing_still(child):
        pass  # Continuing does not end it while its parent runs.
    assert not gone(child)
    with standing_still(child):
        os.kill(parent, signal.SIGKILL)
        assert code_of(parent) == -signal.SIGKILL
        eventually(lambda: gone(child), "the child has ended")
