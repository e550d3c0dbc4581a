"""A dying process closes its death pipe before its connections."""

from __future__ import annotations

import os
import select
import signal
import socket

from server.processes.death_pipe import DeathPipe
from tests.support.sockets import eventually


def hung_up(death_pipe: DeathPipe) -> bool:
    question = select.poll()
    question.register(death_pipe.parent_end, 0)
    return bool(question.poll(0))


def test_a_death_pipe_hangs_up_before_the_connections_of_its_process() -> None:
    ready, say = os.pipe()
    death_pipe = DeathPipe()
    ours, theirs = socket.socketpair()
    if not (child := os.fork()):
        ours.close()
        death_pipe.move_child_end(100)
        os.write(say, b"x")
        signal.pause()
    death_pipe.close_child_end()
    theirs.close()
    os.read(ready, 1)
    assert not hung_up(death_pipe)
    os.kill(child, signal.SIGKILL)
    ours.settimeout(30)
    assert ours.recv(1) == b""  # The end, as a client sees it.
    assert hung_up(death_pipe)
    os.waitpid(child, 0)
    death_pipe.close()
    for end in (ready, say):
        os.close(end)
    ours.close()


def test_closing_closes_both_ends_with_or_without_a_fork() -> None:
    before = len(os.listdir("/proc/self/fd"))
    held, not_held = DeathPipe(), DeathPipe()
    held.close_child_end()
    held.close_child_end()
    held.close()
    not_held.close()
    eventually(lambda: len(os.listdir("/proc/self/fd")) == before, "all are closed")
