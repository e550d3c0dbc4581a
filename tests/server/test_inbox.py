"""Input becomes replies however it is cut, and what is unfinished is known, with its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from server.inbox import Inbox
from server.service import Service
from tests.support.cuts import CUTS
from tests.support.services import service


@pytest.fixture(scope="module")
def line() -> Iterator[Service]:
    with service("--app", "echo", "--max-message", "10") as made:
        yield made


@pytest.mark.parametrize("cut", CUTS)
def test_replies_are_the_same_however_the_stream_is_cut(line: Service, cut: Callable[[bytes], list[bytes]]) -> None:
    inbox = Inbox(line)
    taken = [inbox.take(piece, 1.0) for piece in cut(b"one\n\ntwo\nthr")]
    assert sum(count for count, _, _ in taken) == 3
    assert b"".join(output for _, output, _ in taken) == b"one\n\ntwo\n"
    assert all(fits for _, _, fits in taken)
    assert inbox.begun


def test_the_time_of_a_message_is_that_of_its_first_byte(line: Service) -> None:
    inbox = Inbox(line)
    assert not inbox.begun
    inbox.take(b"o", 1.0)
    inbox.take(b"n", 2.0)
    assert inbox.begun_at == 1.0
    inbox.take(b"e\ntw", 3.0)
    assert inbox.begun_at == 3.0
    inbox.take(b"o\n", 4.0)
    assert not inbox.begun


@pytest.mark.parametrize("cut", CUTS)
def test_one_too_long_is_told_and_those_before_it_are_answered(
    line: Service, cut: Callable[[bytes], list[bytes]]
) -> None:
    inbox = Inbox(line)
    replies = b""
    for piece in cut(b"fine\n12345678901\n"):
        _, output, fits = inbox.take(piece, 1.0)
        replies += output
        if not fits:
            break
    assert not fits
    assert replies == b"fine\n"


def test_in_chunk_framing_what_comes_is_a_message() -> None:
    with service("--app", "echo", "--framing", "chunk") as chunk:
        inbox = Inbox(chunk)
        assert inbox.take(b"one\ntw", 1.0) == (1, b"one\ntw", True)
        assert not inbox.begun
