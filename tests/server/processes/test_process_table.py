"""Slots: processes are started, reaped and restarted, at a bounded rate."""

from __future__ import annotations

import errno
import io
import os
import time
from time import monotonic

import pytest

from server.monitoring.log import LogRing
from server.processes.fork import fork
from server.processes.process_table import (
    RESTART_DELAY_SECONDS,
    ProcessSlot,
    ProcessTable,
    describe_exit,
)
from tests.support.many_processes import gone
from tests.support.sockets import DEADLINE, eventually


def fail() -> None:
    raise RuntimeError("this traceback is part of a test")


def sleep_long() -> None:
    time.sleep(4 * DEADLINE)


def test_exit_codes_are_described_in_words() -> None:
    assert describe_exit(0) == "exited with code 0"
    assert describe_exit(1) == "exited with code 1"
    assert describe_exit(-9) == "was killed by SIGKILL"


def test_a_slot_is_filled_and_free_again() -> None:
    processes = ProcessTable(LogRing(io.StringIO()))
    before = monotonic()
    one, other = ProcessSlot("one", lambda: None), ProcessSlot("the other", fail)
    assert processes.start(one)
    assert processes.start(other)
    begun = {one.pid: (one, 0), other.pid: (other, 1)}
    eventually(lambda: gone(one.pid) and gone(other.pid), "both have ended")
    ended = {pid: (slot, code) for slot, pid, code in processes.reap()}
    assert ended == begun
    assert one.pid == other.pid == 0
    assert before + RESTART_DELAY_SECONDS <= one.next_start_at <= monotonic() + RESTART_DELAY_SECONDS
    assert list(processes.reap()) == []


def test_the_restart_delay_doubles_while_processes_fail_at_once() -> None:
    processes = ProcessTable(LogRing(io.StringIO()))
    slot = ProcessSlot("one that fails", fail)

    def delay() -> float:
        assert processes.start(slot)
        pid, started_at = slot.pid, slot.started_at
        eventually(lambda: gone(pid), "it has ended")
        slot.started_at = max(slot.started_at, monotonic())  # Even on a slow machine.
        list(processes.reap())
        slot.started_at = started_at
        return slot.next_start_at - started_at

    assert [round(delay()) for _ in range(7)] == [2, 4, 8, 16, 30, 30, 30]
    slot.run = lambda: None
    assert round(delay()) == RESTART_DELAY_SECONDS


def test_the_end_of_an_unknown_process_is_ignored() -> None:
    processes = ProcessTable(LogRing(io.StringIO()))
    slot = ProcessSlot("ours", sleep_long)
    processes.start(slot)
    stranger = fork("a stranger", lambda: None, 0)
    eventually(lambda: gone(stranger), "the stranger has ended")
    assert list(processes.reap()) == []
    with pytest.raises(ChildProcessError):
        os.waitpid(stranger, 0)  # It is reaped all the same.
    pid = slot.pid
    processes.kill_all()
    assert gone(pid)


def test_a_process_that_can_not_start_is_logged_once_and_retried() -> None:
    stream = io.StringIO()
    log = LogRing(stream)
    log.start()
    failures = [OSError(errno.EMFILE, "too many"), OSError(errno.EMFILE, "too many"), None]

    def prepare() -> None:
        if (failure := failures.pop(0)) is not None:
            raise failure

    processes = ProcessTable(log)
    slot = ProcessSlot("process 7", sleep_long, prepare)
    assert [processes.start(slot) for _ in range(3)] == [False, False, True]
    assert slot.starts == 1
    processes.kill_all()
    log.close()
    assert stream.getvalue() == "process 7 can't start; retrying every second: too many\n"
