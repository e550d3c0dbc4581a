"""A process that dies lets go of its lifeline before it lets go of its connections."""

from __future__ import annotations

import os
import select
import signal
import socket

from server.processes.death_pipe import Lifeline
from tests.support.sockets import eventually


def hung_up(lifeline: Lifeline) -> bool:
    question = select.poll()
    question.register(lifeline.near, 0)
    return bool(question.poll(0))


def test_it_hangs_up_when_the_process_dies_and_before_its_connections_do() -> None:
    ready, say = os.pipe()
    lifeline = Lifeline()
    ours, theirs = socket.socketpair()
    if not (child := os.fork()):
        ours.close()
        lifeline.take(100)
        os.write(say, b"x")
        signal.pause()
    lifeline.is_held()
    theirs.close()
    os.read(ready, 1)
    assert not hung_up(lifeline)
    os.kill(child, signal.SIGKILL)
    ours.settimeout(30)
    assert ours.recv(1) == b""  # As a client would see it.
    assert hung_up(lifeline)
    os.waitpid(child, 0)
    lifeline.close()
    for end in (ready, say):
        os.close(end)
    ours.close()


def test_closing_closes_both_ends_whether_or_not_a_process_was_forked() -> None:
    before = len(os.listdir("/proc/self/fd"))
    held, not_held = Lifeline(), Lifeline()
    held.is_held()
    held.is_held()
    held.close()
    not_held.close()
    eventually(lambda: len(os.listdir("/proc/self/fd")) == before, "all are closed")
