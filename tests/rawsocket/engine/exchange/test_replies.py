"""Replies by key, in several frames, in any framing. Each test runs with both kinds of users."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import math
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from rawsocket.errors import Closed, Wrong
from rawsocket.users.steps import (
    Connect,
    Receive,
    Request,
    Send,
    SetFraming,
    Wait,
)
from rawsocket.wire.framing import Chunk, Framing, IdleGap, LengthPrefixed, Line, UntilClosed
from tests.support.facades import BOTH, Facade, echo, lines, silent

pytestmark = [BOTH, pytest.mark.usefixtures("long_timeouts")]

Script = Generator[Any, Any, Any]


def keys() -> SimpleNamespace:
    return SimpleNamespace(request_key=lambda payload: payload[:1], reply_key=lambda message: message[:1])


def test_replies_are_matched_by_key_in_any_order(facade: Facade):
    def server(sock: Any) -> None:
        reader = lines(sock)
        slow, quick = next(reader), next(reader)
        sock.sendall(quick + b"\n")
        gevent.sleep(0.2)
        sock.sendall(slow + b"\n")
        silent(sock)

    def script() -> Script:
        yield Connect()
        yield Send(b"1 slow", "slow", expect=b"1 slow")
        yield Send(b"2 quick", "quick", expect=b"2 quick")
        return [(yield Receive()), (yield Receive())]

    outcome = facade(server, script, handlers=keys())
    assert outcome.result == [b"2 quick", b"1 slow"]
    assert outcome.seconds["quick"][0] < outcome.seconds["slow"][0]
    assert outcome.seconds["slow"][0] >= 0.15


@pytest.mark.parametrize("reply", [b"9 unknown", b"1 a\n1 a"])
def test_unknown_or_repeated_key_is_wrong(facade: Facade, reply: bytes):
    def script() -> Script:
        yield Connect()
        yield Request(b"1 a")
        yield Wait(5)

    def server(sock: Any) -> None:
        next(lines(sock))
        sock.sendall(reply + b"\n")
        silent(sock)

    outcome = facade(server, script, handlers=keys())
    assert isinstance(outcome.raised, Wrong)


def test_key_needs_a_framing_that_marks_messages(facade: Facade):
    def script() -> Script:
        yield Connect()

    with pytest.raises(ValueError, match="by key"):
        facade(silent, script, Chunk(), handlers=keys())


def test_reply_in_several_frames_is_one_reply(facade: Facade):
    def server(sock: Any) -> None:
        next(lines(sock))
        sock.sendall(b"250-one\n")
        gevent.sleep(0.1)
        sock.sendall(b"250-two\n250 three\n")
        silent(sock)

    def script() -> Script:
        yield Connect()
        return (
            yield Request(
                b"EHLO", "ehlo", until=lambda frames: frames[-1][3:4] == b" ", expect=lambda frames: len(frames) == 3
            )
        )

    outcome = facade(server, script)
    assert outcome.result == [b"250-one", b"250-two", b"250 three"]
    [(due, sent, first)] = outcome.recorder.rows["ehlo"].full
    assert first < 0.1 <= sent <= due
    assert outcome.recorder.answered == 1


@pytest.mark.parametrize(("expected", "events"), [(b"end", ["ok"]), (b"other", ["wrong"])])
def test_frames_of_a_reply_are_compared_with_a_list(facade: Facade, expected: bytes, events: list[str]):
    def server(sock: Any) -> None:
        next(lines(sock))
        sock.sendall(b"one\nend\n")
        silent(sock)

    def script() -> Script:
        yield Connect()
        yield Request(b"get", "get", until=lambda frames: frames[-1] == b"end", expect=[b"one", expected])

    outcome = facade(server, script)
    assert [event for row, event in outcome.events if row == "get"] == events


def test_reply_may_end_with_the_connection(facade: Facade):
    def server(sock: Any) -> None:
        sock.recv(100)
        sock.sendall(b"a long ")
        gevent.sleep(0.05)
        sock.sendall(b"reply")
        sock.close()

    def script() -> Script:
        replies = []
        for _ in range(2):
            yield Connect()
            replies.append((yield Request(b"get", expect=lambda reply: reply.endswith(b"reply"))))
        return replies

    outcome = facade(server, script, UntilClosed())
    assert outcome.result == [b"a long reply"] * 2
    assert (outcome.recorder.failures, outcome.recorder.closed, outcome.recorder.dropped) == (0, 2, {})


def test_pause_may_end_a_reply(facade: Facade):
    def server(sock: Any) -> None:
        sock.recv(100)
        sock.sendall(b"one ")
        sock.sendall(b"reply")
        silent(sock)

    def script() -> Script:
        yield Connect()
        return (yield Request(b"get", "get"))

    outcome = facade(server, script, IdleGap(0.1))
    assert outcome.result == b"one reply"
    assert outcome.recorder.rows["get"].requests == 1


@pytest.mark.parametrize("joined", [True, False])
def test_framing_can_change_on_the_way(facade: Facade, joined: bool):
    def server(sock: Any) -> None:
        next(iter([sock.recv(100)]))
        sock.sendall(b"220 go\n" + (LengthPrefixed(2).encode(b"first\nframe") if joined else b""))
        if not joined:
            gevent.sleep(0.05)
            sock.sendall(LengthPrefixed(2).encode(b"first\nframe"))
        size = int.from_bytes(sock.recv(2))
        sock.sendall(LengthPrefixed(2).encode(sock.recv(size)))
        silent(sock)

    def script() -> Script:
        yield Connect()
        yield Request(b"UPGRADE", expect=b"220 go")
        yield SetFraming(LengthPrefixed(2))
        first = yield Receive()
        return [first, (yield Request(b"a\nb", expect=b"a\nb"))]

    outcome = facade(server, script, accepts_pushes=True)
    assert (outcome.raised, outcome.result) == (None, [b"first\nframe", b"a\nb"])


class Numbered(Framing):
    """Lines whose messages begin with their number on this connection."""

    def encode(self, payload: bytes) -> bytes:
        return payload + b"\n"

    def decoder(self) -> Any:
        return NumberedDecoder()


class NumberedDecoder:
    def __init__(self) -> None:
        self._lines = Line().decoder()
        self._count = 0

    @property
    def pending(self) -> int:
        return self._lines.pending

    def feed(self, data: bytes) -> list[bytes]:
        found = []
        for line in self._lines.feed(data):
            self._count += 1
            if line == b"explode":
                raise KeyError("no such thing")
            found.append(b"%d %s" % (self._count, line))
        return found

    def end(self) -> list[bytes]:
        return []

    stateful = True


def test_decoder_with_state_lives_as_long_as_its_connection(facade: Facade):
    def script() -> Script:
        yield Connect()
        return [(yield Request(b"a")), (yield Request(b"a")), (yield Request(b"a"))]

    assert facade(echo, script, Numbered()).result == [b"1 a", b"2 a", b"3 a"]


def test_decoder_that_raises_is_a_fault_of_the_scenario(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Request(b"explode")

    outcome = facade(echo, script, Numbered())
    assert isinstance(outcome.raised, KeyError)
    assert (outcome.recorder.failures, outcome.recorder.closed) == (0, 1)


@pytest.mark.parametrize("handler", ["is_push", "on_push", "reply_key"])
def test_handler_that_raises_is_a_fault_of_the_scenario(facade: Facade, handler: str):
    def broken(message: bytes) -> Any:
        raise KeyError(handler)

    given = {"is_push": lambda message: True} if handler == "on_push" else {"request_key": lambda message: b"1"}
    if handler == "is_push":
        given = {}

    def script() -> Script:
        yield Connect()
        yield Request(b"a")

    outcome = facade(echo, script, handlers=SimpleNamespace(**given, **{handler: broken}))
    assert isinstance(outcome.raised, KeyError)
    assert outcome.recorder.failures == 0


def test_connection_that_ends_while_it_is_read_is_closed(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Receive(timeout=math.inf)

    outcome = facade(lambda sock: sock.close(), script, accepts_pushes=True)
    assert isinstance(outcome.raised, Closed)


class Countdown:
    """Ends a reply at its hundredth frame. Looks at one frame each time, so a long reply costs no more per frame."""

    made = 0

    def __init__(self) -> None:
        type(self).made += 1
        self.left = 100

    def __call__(self, frames: list[bytes]) -> bool:
        self.left -= 1
        return self.left == 0


def test_until_that_is_a_class_is_created_for_each_reply(facade: Facade):
    def server(sock: Any) -> None:
        for _ in lines(sock):
            sock.sendall(b"".join(b"%d\n" % number for number in range(100)))

    def script() -> Script:
        step = Request(b"get", until=Countdown)
        yield Connect()
        return [len((yield step)), len((yield step))]

    before = Countdown.made
    assert facade(server, script).result == [100, 100]
    assert Countdown.made == before + 2


def test_reply_whose_key_is_wrong_is_wrong_though_nothing_else_is_in_flight(facade: Facade):
    def server(sock: Any) -> None:
        for line in lines(sock):
            sock.sendall(b"b" + line[1:] + b"\n")

    def script() -> Script:
        yield Connect()
        yield Request(b"a1")

    outcome = facade(server, script, handlers=keys())
    assert isinstance(outcome.raised, Wrong)
    assert outcome.recorder.rows["request"].failures == {"wrong": 1}
