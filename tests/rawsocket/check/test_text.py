"""A dialogue as lines for a console."""

import pytest

from rawsocket.check import text
from rawsocket.check.dialogue import (
    CAPTURE,
    CLOSED,
    FRAME,
    MISTAKE,
    NOTE,
    OPEN,
    PART,
    REST,
    SENT,
    SERVER,
    Dialogue,
    Entry,
    Failure,
)
from rawsocket.master.reports.result import text as plain

DIALOGUE = Dialogue(
    "redis", "tcp://127.0.0.1:6379", r'{delimiter: "\r\n"}',
    [
        Entry(0.0, PART, "connect"),
        Entry(0.0, OPEN, "connected to tcp://127.0.0.1:6379 in 0.4 ms"),
        Entry(0.1, PART, "send `get`", "conversations/redis.yaml:9"),
        Entry(0.12, SENT, data=b'GET "k0"\r\n'),
        Entry(0.61, FRAME, data=b"$3\r\nab\xff\r\n"),
        Entry(0.61, CAPTURE, "size", data=b"3"),
        Entry(1.0, NOTE, "waits 5 s instead of 60 s"),
        Entry(1.5, REST, data=b"+"),
        Entry(2.0, CLOSED, "closed by the server"),
    ],
    ms=2.5,
)  # fmt: skip
FAILURE = Failure(
    SERVER, "closed", "by the server, 1 bytes into a reply", "send `get`", "conversations/redis.yaml:9",
    'exactly "+PONG"', r'"+PON"', ("The framing does not fit.", "A framing that fits: line"),
)  # fmt: skip


def test_whole_dialogue() -> None:
    assert (
        plain(text.lines(DIALOGUE))
        == r"""redis against tcp://127.0.0.1:6379, framing {delimiter: "\r\n"}
ms since the connect; -> sent, <- received: one line for each frame, its bytes
as hex below it

connect
     0.0 -- connected to tcp://127.0.0.1:6379 in 0.4 ms
send `get`  conversations/redis.yaml:9
     0.1 -> GET "k0"\r\n  (10 bytes)
            47 45 54 20 22 6b 30 22 0d 0a                    GET "k0"..
     0.6 <- $3\r\nab\xff\r\n  (9 bytes)
            24 33 0d 0a 61 62 ff 0d 0a                       $3..ab...
            size = "3"
     1.0 -- waits 5 s instead of 60 s
     1.5 <- +  (1 byte, no whole frame)
            2b                                               +
     2.0 <| closed by the server

redis: the server replied as expected (1 message sent, 1 received, 2.5 ms)"""
    )


def test_failure_names_step_expectation_and_what_arrived() -> None:
    failed = Dialogue("redis", "tcp://127.0.0.1:6379", failure=FAILURE)
    assert (
        plain(text.result(failed))
        == r"""FAILED at conversations/redis.yaml:9: send `get`: closed: by the server, 1
  bytes into a reply
  expected: exactly "+PONG"
  arrived:  "+PON"
  The framing does not fit.
  A framing that fits: line"""
    )
    assert text.summary(failed) == (
        "conversations/redis.yaml:9: send `get`: closed: by the server, 1 bytes into a reply. "
        "The framing does not fit. A framing that fits: line."
    )
    assert text.summary(DIALOGUE) == ""


def test_nothing_arrived() -> None:
    failed = Dialogue("a", "tcp://a:1", failure=Failure(SERVER, "reply-timeout", expected="any message"))
    assert plain(text.result(failed)).splitlines()[1:] == ["  expected: any message", "  arrived:  nothing"]


def test_mistake_of_the_scenario() -> None:
    failed = Dialogue("a", "tcp://a:1", failure=Failure(MISTAKE, "KeyError", "'x'", "connect", "a.py:3"))
    assert plain(text.result(failed)) == "FAILED at a.py:3: connect: KeyError: 'x'"


def test_long_message_is_cut_unless_all_is_to_be_shown() -> None:
    long = Dialogue("a", "tcp://a:1", entries=[Entry(0.0, SENT, data=b"x" * 1000)])
    short = plain(text.lines(long)).splitlines()
    assert max(map(len, short)) <= 79
    assert "            ... and 872 bytes more (VERBOSE=yes shows all)" in short
    assert len(plain(text.lines(long, everything=True)).splitlines()) > 60


@pytest.mark.parametrize("after", [[], [Entry(1.0, CLOSED, "closed by the server")]])
def test_flood_of_frames_is_cut_unless_all_is_to_be_shown(after: list[Entry]) -> None:
    flood = Dialogue("a", "tcp://a:1", entries=[Entry(0.0, FRAME, data=b"x\n")] * 1000 + after)
    short = plain(text.lines(flood)).splitlines()
    assert len(short) < 60
    assert short.count("            ... and 980 frames more (VERBOSE=yes shows all)") == 1
    assert len(plain(text.lines(flood, everything=True)).splitlines()) > 2000


@pytest.mark.parametrize("width", [40, 79, 120])
def test_no_line_is_wider_than_the_terminal_but_hex(width: int) -> None:
    lines = plain(text.lines(DIALOGUE, width)).splitlines()
    assert [line for line in lines if len(line) > width and "  " not in line.strip()] == []
