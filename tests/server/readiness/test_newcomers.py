"""The connections that wait for room at the cap, with a clock of the test."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from server.readiness.newcomers import Newcomers

NOTICE = 0.01


@pytest.fixture
def waiting() -> Iterator[Newcomers]:
    newcomers = Newcomers(NOTICE)
    yield newcomers
    newcomers.close()


def test_none_expires_before_its_time_is_over(waiting: Newcomers) -> None:
    waiting.add(socket.socket(), "peer", now=1000.0)
    assert waiting.next_look() == 1000.0 + NOTICE
    assert waiting.expired(1000.0 + NOTICE / 2) == []
    assert len(waiting) == 1


def test_one_expires_in_the_turn_after_its_time_is_over(waiting: Newcomers) -> None:
    waiting.add(socket.socket(), "peer", now=1000.0)
    assert waiting.expired(1000.5) == []
    assert waiting.next_look() == 1000.5
    (newcomer,) = waiting.expired(1000.501)
    assert newcomer.peer == "peer"
    assert len(waiting) == 0
    newcomer.sock.close()


def test_the_first_to_come_is_the_next(waiting: Newcomers) -> None:
    for number in range(3):
        waiting.add(socket.socket(), number, now=1000.0)
    for number in range(3):
        newcomer = waiting.next()
        assert newcomer.peer == number
        newcomer.sock.close()


def test_closing_closes_the_sockets(waiting: Newcomers) -> None:
    waiting.add(sock := socket.socket(), "peer", now=1000.0)
    waiting.close()
    assert sock.fileno() == -1
    assert len(waiting) == 0
