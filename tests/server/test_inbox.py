"""Input becomes replies however it is cut, and the time of an unfinished message is known."""

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
    inbox = Inbox(line.wire)
    received = [inbox.receive(piece, 1.0) for piece in cut(b"one\n\ntwo\nthr")]
    assert sum(count for count, _, _ in received) == 3
    assert b"".join(output for _, output, _ in received) == b"one\n\ntwo\n"
    assert all(fits for _, _, fits in received)
    assert inbox.has_partial


def test_the_time_of_an_unfinished_message_is_that_of_its_first_byte(line: Service) -> None:
    inbox = Inbox(line.wire)
    assert not inbox.has_partial
    inbox.receive(b"o", 1.0)
    inbox.receive(b"n", 2.0)
    assert inbox.partial_since == 1.0
    inbox.receive(b"e\ntw", 3.0)
    assert inbox.partial_since == 3.0
    inbox.receive(b"o\n", 4.0)
    assert not inbox.has_partial


@pytest.mark.parametrize("cut", CUTS)
def test_a_message_that_is_too_long_is_reported_and_those_before_it_are_answered(
    line: Service, cut: Callable[[bytes], list[bytes]]
) -> None:
    inbox = Inbox(line.wire)
    replies = b""
    for piece in cut(b"fine\n12345678901\n"):
        _, output, fits = inbox.receive(piece, 1.0)
        replies += output
        if not fits:
            break
    assert not fits
    assert replies == b"fine\n"


def test_in_chunk_framing_each_input_is_a_message() -> None:
    with service("--app", "echo", "--framing", "chunk") as chunk:
        inbox = Inbox(chunk.wire)
        assert inbox.receive(b"one\ntw", 1.0) == (1, b"one\ntw", True)
        assert not inbox.has_partial
