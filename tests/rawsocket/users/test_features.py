"""What a session or a client can express beyond one message and its reply. Each test runs with both kinds of users."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import math
import time
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from rawsocket.errors import Closed, SendTimeout, Wrong
from rawsocket.users.steps import (
    Close,
    Connect,
    Heartbeat,
    Receive,
    Request,
    Send,
    SendPart,
    SendRaw,
    SetFraming,
    ShutdownWrite,
    Throttle,
    Wait,
)
from rawsocket.wire.framing import Framing, IdleGap, LengthPrefixed, Line, UntilClosed
from tests.support.facades import BOTH, Facade

pytestmark = [BOTH, pytest.mark.usefixtures("long_timeouts")]

Script = Generator[Any, Any, Any]


def lines(sock: Any) -> Any:
    """The lines of a socket, until it ends."""
    return (line.rstrip(b"\n") for line in sock.makefile("rb"))


def echo(sock: Any) -> None:
    for line in lines(sock):
        sock.sendall(line + b"\n")


def silent(sock: Any) -> None:
    while sock.recv(65536):
        pass


# -- one-way messages -------------------------------------------------------------------------------------------------


def test_one_way_messages_count_in_their_row_and_owe_no_reply(facade: Facade):
    def script() -> Script:
        yield Connect()
        for number in range(3):
            yield Send(b"%d" % number, "log", reply=False)
        yield Wait(0.05)

    outcome = facade(silent, script, reply_timeout=0.02)
    assert outcome.raised is None
    assert outcome.count("log") == outcome.recorder.oneway == outcome.recorder.sent == 3
    assert outcome.recorder.rows["log"].bytes == 3
    assert "log" not in outcome.seconds


def test_one_way_messages_beyond_ten_thousand_go_on(facade: Facade):
    def script() -> Script:
        yield Connect()
        for _ in range(10_500):
            yield Send(b"x", "log", reply=False)

    assert facade(silent, script).recorder.oneway == 10_500


def test_one_way_message_to_a_server_that_does_not_read_is_a_send_timeout(facade: Facade):
    def script() -> Script:
        yield Connect()
        while True:
            yield Send(b"x" * 60_000, "log", reply=False)

    outcome = facade(lambda sock: gevent.sleep(30), script, send_timeout=0.1)
    assert isinstance(outcome.raised, SendTimeout)
    assert outcome.events[-1] == ("log", "send-timeout")
    assert outcome.recorder.unanswered == outcome.recorder.cut == 1


def test_requests_and_one_way_messages_share_a_connection(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Send(b"one", "log", reply=False)
        return (yield Request(b"two"))

    def server(sock: Any) -> None:
        reader = lines(sock)
        assert next(reader) == b"one"
        sock.sendall(next(reader) + b"\n")

    assert facade(server, script).result == b"two"


# -- pushes -----------------------------------------------------------------------------------------------------------


def pushes(**more: Any) -> SimpleNamespace:
    return SimpleNamespace(is_push=lambda message: message.startswith(b"push"), **more)


def test_push_between_a_request_and_its_reply_is_not_the_reply(facade: Facade):
    def server(sock: Any) -> None:
        for line in lines(sock):
            sock.sendall(b"push 1\n" + line + b"\npush 2\n")

    def script() -> Script:
        yield Connect()
        return [(yield Request(b"a", expect=b"a")), (yield Receive(expect=b"push 1")), (yield Receive())]

    outcome = facade(server, script, handlers=pushes())
    assert outcome.result == [b"a", b"push 1", b"push 2"]
    assert outcome.recorder.pushed == outcome.count("push") == 2
    assert outcome.recorder.answered == 1


def test_push_is_answered_at_once_whatever_the_user_does(facade: Facade):
    answered = gevent.event.Event()

    def server(sock: Any) -> None:
        sock.sendall(b"push ping\n")
        if next(lines(sock)) == b"pong":
            answered.set()

    def script() -> Script:
        yield Connect()
        while not answered.is_set():
            yield Wait(0.01)

    outcome = facade(server, script, handlers=pushes(on_push=lambda message: b"pong"))
    assert (outcome.count("push"), outcome.count("push-reply"), outcome.recorder.oneway) == (1, 1, 1)


def test_push_that_came_before_its_receive_is_checked(facade: Facade):
    def server(sock: Any) -> None:
        sock.sendall(b"push 1\n")
        silent(sock)

    def script() -> Script:
        yield Connect()
        yield Wait(0.05)
        yield Receive(name="news", expect=b"something else")

    outcome = facade(server, script, handlers=pushes())
    assert isinstance(outcome.raised, Wrong)
    assert outcome.events[-2:] == [("push", "ok"), ("news", "wrong")]


def test_unread_pushes_are_bounded_and_never_a_failure(facade: Facade):
    def server(sock: Any) -> None:
        sock.sendall(b"push\n" * 250)
        sock.sendall(b"done\n")
        silent(sock)

    def script() -> Script:
        yield Connect()
        while outcomes[0].recorder.pushed < 250:
            yield Wait(0.01)
        kept = 0
        while (yield Receive(timeout=0.05, required=False)) is not None:
            kept += 1
        return kept

    outcomes: list[Any] = []
    outcome = _run_with(outcomes, facade, lambda sock: (sock.sendall(b"push\n" * 250), silent(sock)), script)
    assert outcome.raised is None
    assert (outcome.result, outcome.recorder.unread_pushes, outcome.recorder.failures) == (100, 150, 0)


def _run_with(outcomes: list[Any], facade: Facade, server: Any, script: Any) -> Any:
    """Run a script that looks at its own counters."""
    from tests.support import facades

    original = facades.Outcome

    def outcome() -> Any:
        outcomes.append(original())
        return outcomes[-1]

    facades.Outcome = outcome  # type: ignore[assignment, misc]
    try:
        return facade(server, script, handlers=pushes())
    finally:
        facades.Outcome = original  # type: ignore[misc]


def test_message_that_is_no_push_is_wrong_while_nothing_is_in_flight(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Wait(5)

    outcome = facade(lambda sock: (sock.sendall(b"hello\n"), silent(sock)), script, handlers=pushes())
    assert isinstance(outcome.raised, Wrong)


# -- waiting is not latency -------------------------------------------------------------------------------------------


def later(sock: Any) -> None:
    gevent.sleep(0.1)
    sock.sendall(b"push 1\n")
    silent(sock)


def test_wait_for_a_push_is_in_its_row_but_not_judged(facade: Facade):
    def script() -> Script:
        yield Connect()
        return (yield Receive(name="news"))

    outcome = facade(later, script, accepts_pushes=True)
    row = outcome.recorder.rows["news"]
    assert (outcome.result, row.requests, len(row.waits), row.full) == (b"push 1", 1, 1, [])
    assert row.waits[0] >= 0.05


def test_since_gives_a_push_a_latency(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Receive(name="news", since=lambda message: time.perf_counter() - 3)
        yield Wait(0)

    [(due, sent, first)] = facade(later, script, accepts_pushes=True).recorder.rows["news"].full
    assert 2.9 < due == sent == first < 3.1


def test_time_of_a_push_that_came_earlier_is_not_negative(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Wait(0.15)
        yield Receive(name="news")
        yield Wait(0)

    assert facade(later, script, accepts_pushes=True).recorder.rows["news"].waits == [0.0]


def test_optional_receive_returns_none_and_keeps_the_connection(facade: Facade):
    def script() -> Script:
        yield Connect()
        nothing = yield Receive(timeout=0.05, required=False)
        return [nothing, (yield Request(b"a", expect=b"a"))]

    outcome = facade(echo, script)
    assert outcome.result == [None, b"a"]
    assert outcome.recorder.failures == 0


def test_receive_takes_only_the_pushes_that_it_wants(facade: Facade):
    def server(sock: Any) -> None:
        sock.sendall(b"push a\npush b\n")
        silent(sock)

    def script() -> Script:
        yield Connect()
        return (yield Receive(only=lambda message: message == b"push b"))

    assert facade(server, script, handlers=pushes()).result == b"push b"


# -- heartbeats -------------------------------------------------------------------------------------------------------


def test_heartbeat_runs_beside_what_the_user_does(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Heartbeat(0.02, b"ping", expect=b"ping", name="beat")
        yield Wait(0.3)
        return (yield Request(b"a", expect=b"a"))

    outcome = facade(echo, script)
    assert outcome.result == b"a"
    assert outcome.count("beat") >= 3
    assert outcome.recorder.failures == 0


def test_idle_heartbeat_is_sent_only_after_silence(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Heartbeat(0.5, b"ping", reply=False, name="beat", idle=True)
        for _ in range(40):
            yield Request(b"a", expect=b"a")
            yield Wait(0.02)
        before = len(beats)
        yield Wait(0.8)
        return before

    beats: list[bytes] = []

    def server(sock: Any) -> None:
        for line in lines(sock):
            if line == b"ping":
                beats.append(line)
            else:
                sock.sendall(line + b"\n")

    outcome = facade(server, script)
    assert (outcome.result, len(beats)) == (0, 1)


def test_heartbeat_without_a_reply_in_time_fails_the_connection(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Heartbeat(0.02, b"ping", expect=b"ping", name="beat")
        yield Wait(20)

    outcome = facade(silent, script, reply_timeout=0.2)
    assert str(outcome.raised) == "reply-timeout"
    assert ("beat", "reply-timeout") in outcome.events


# -- replies by key, in several frames, up to the end of the connection -----------------------------------------------


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

    from rawsocket.wire.framing import Chunk

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


# -- the connection itself --------------------------------------------------------------------------------------------


def test_shutdown_of_writing_lets_the_reply_come(facade: Facade):
    def server(sock: Any) -> None:
        got = b"".join(lines(sock))
        sock.sendall(b"%d\n" % len(got))
        sock.close()

    def script() -> Script:
        yield Connect()
        yield Send(b"hello", expect=b"5")
        yield ShutdownWrite()
        reply = yield Receive(expect=b"5")
        yield Wait(0.1)
        return reply

    outcome = facade(server, script)
    assert outcome.result == b"5"
    assert (outcome.recorder.failures, outcome.recorder.closed) == (0, 1)


def test_nothing_can_be_sent_after_the_shutdown(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield ShutdownWrite()
        yield Send(b"a", reply=False)

    assert "ShutdownWrite" in str(facade(silent, script).raised)


def test_close_can_be_a_reset(facade: Facade):
    ends: list[str] = []

    def server(sock: Any) -> None:
        try:
            ends.append("end" if sock.recv(10) == b"" else "data")
        except ConnectionResetError:
            ends.append("reset")

    def script() -> Script:
        yield Connect()
        yield Close(reset=True)
        for _ in range(500):
            if ends:
                return
            yield Connect() if False else Wait(0.01)

    outcome = facade(server, script)
    assert (ends, outcome.recorder.failures) == (["reset"], 0)


def test_raw_bytes_and_parts_of_messages_are_no_messages(facade: Facade):
    seen: list[bytes] = []

    def server(sock: Any) -> None:
        seen.extend(lines(sock))

    def script() -> Script:
        yield Connect()
        yield SendRaw(b"PROXY TCP4\r\n")
        yield SendPart(b"hello", 3)
        yield ShutdownWrite()
        yield Wait(0.1)

    outcome = facade(server, script)
    assert seen == [b"PROXY TCP4\r", b"hel"]
    assert (outcome.recorder.sent, outcome.recorder.bytes_sent) == (0, 15)


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


def test_slow_client_sends_so_many_bytes_a_second(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Throttle(send=1000)
        begun = time.perf_counter()
        yield Request(b"x" * 299, expect=b"x" * 299)
        return time.perf_counter() - begun

    assert facade(echo, script, send_timeout=0.25).result >= 0.2


def test_slow_client_reads_so_many_bytes_a_second(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Throttle(receive=1000)
        begun = time.perf_counter()
        yield Request(b"x" * 299, expect=b"x" * 299)
        slow = time.perf_counter() - begun
        yield Throttle()
        yield Request(b"x" * 60_000, expect=b"x" * 60_000)
        return slow

    outcome = facade(echo, script)
    assert outcome.raised is None
    assert outcome.result >= 0.2


# -- decoders ---------------------------------------------------------------------------------------------------------


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
