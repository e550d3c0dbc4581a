"""Conversations of real users on a local runner, against servers in this process."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import dataclasses
import logging
from itertools import pairwise
from typing import Any

import pytest

from rawsocket.conversation.plan import Data, Field, FramingPlan, HeartbeatPlan, Match, More, Push, Step
from rawsocket.conversation.user import user_class
from rawsocket.measurement.recorder import RECORDER
from rawsocket.measurement.scenario_errors import located
from rawsocket.shapes.shape import Soak
from tests.support.conversations import exact, plan, play, prefix, regex, replies, send, serving, text, value
from tests.support.local_run import LONG, Run, wait_until

pytestmark = pytest.mark.usefixtures("fresh_recorder")

PING = send("ping", b"PING", expect=exact(b"PONG"))


def pong(line: bytes) -> bytes:
    return b"PONG\r\n" if line == b"PING" else b"+" + line + b"\r\n"


def test_users_connect_introduce_themselves_and_play_rounds() -> None:
    heard: list[bytes] = []

    def answer(line: bytes) -> bytes:
        heard.append(line)
        return b"+" + line + b"\r\n"

    key = (b"SET k", value("user"), b" ", value("random"))
    made = plan(
        send("set", *key, expect=exact(b"+", *key)),
        send("get", b"GET ", value("n"), expect=regex(rb"^\+GET (?P<no>\d+)$"), captures={"kind": Field(1, 3)}),
        send("cap", b"CAP ", value("$no"), b" ", value("$kind"), expect=prefix(b"+CAP"), reject=(prefix(b"-"),)),
        connect=(send("login", b"LOGIN ", value(".name"), expect=exact(b"+LOGIN ", value(".name"))),),
        goodbye=(send("bye", b"QUIT"),),
        data=Data(("name",), (("ann",), ("bob",))),
    )
    with serving(replies(answer)) as url:
        run = play(made, url, lambda run: run.row("cap") >= 6, users=2)
    assert (run.errors, RECORDER.failures) == ([], 0)
    assert set(heard[:2]) == {b"LOGIN ann", b"LOGIN bob"}
    assert heard.count(b"QUIT") == run.row("bye") == 2
    assert b"CAP 3 GET" in heard
    assert RECORDER.not_judged == {"login"}


def test_rounds_follow_at_once_without_a_pace() -> None:
    with serving(replies(pong)) as url:
        run = play(plan(PING), url, lambda run: run.row("ping") >= 50, every=0.0)
    assert (run.errors, RECORDER.failures, run.row("connect")) == ([], 0, 1)


def test_connection_is_opened_again_after_its_rounds() -> None:
    heard: list[bytes] = []

    def answer(line: bytes) -> bytes:
        heard.append(line)
        return pong(line)

    made = plan(PING, rounds=2, connect=(send("hello", b"HELLO"),), goodbye=(send("bye", b"QUIT"),))
    with serving(replies(answer)) as url:
        run = play(made, url, lambda run: run.row("bye") >= 2)
    assert heard[:8] == [b"HELLO", b"PING", b"PING", b"QUIT"] * 2
    assert (run.errors, RECORDER.failures, run.row("reconnect")) == ([], 0, 0)
    assert not user_class(made).holds


def test_connection_that_the_server_ends_after_each_reply() -> None:
    def talk(peer: Any) -> None:
        peer.recv(100)
        peer.sendall(b"all of it")

    made = plan(send("get", b"GET /", expect=exact(b"all of it")), framing=FramingPlan("UntilClosed", {}))
    with serving(talk) as url:
        run = play(made, url, lambda run: run.row("get") >= 3)
    assert (run.errors, RECORDER.failures) == ([], 0)
    assert run.row("connect") >= 3


def test_wrong_reply_names_the_row_what_was_expected_and_what_came() -> None:
    made = plan(PING, send("get", b"GET", expect=prefix(b"+OK"), reject=(prefix(b"-"),)))
    with serving(replies(lambda line: pong(line) if line == b"PING" else b"-ERR no\r\n")) as url:
        run = play(made, url, lambda run: run.fails("get"))
    assert set(run.fails("get")) == {"wrong"}
    assert RECORDER.examples["wrong"] == "get: b'-ERR no' is rejected: a message that begins with b'-'"
    RECORDER.begin_run()
    with serving(replies(lambda line: b"PANG\r\n")) as url:
        play(made, url, lambda run: run.fails("ping"))
    assert RECORDER.examples["wrong"] == "ping: b'PANG' instead of b'PONG'"


def test_mistake_of_the_conversation_names_its_line(caplog: pytest.LogCaptureFixture) -> None:
    made = plan(PING, send("two", b"a\r\n", value("user"), line=12))
    with caplog.at_level(logging.CRITICAL), serving(replies(pong)) as url:
        run = play(made, url, lambda run: run.errors)
    assert "a message can't hold its own end mark" in str(run.errors[0])
    assert located(run.errors[0]) == ("conversations/mine.yaml:12", False)


def test_raw_bytes_after_a_frame_belong_to_the_reply() -> None:
    more = (More(rb"^\$(?P<len>\d+)$", "len", 2),)
    made = plan(
        send("get", b"GET ", value("user"), expect=regex(rb"^\$(?P<len>\d+)$")),
        send("value", b"GET ", value("user"), expect=exact(b"$4\r\n\r\nab\r\n")),
        send("name", b"GET ", value("$len"), expect=exact(b"$4")),
        framing=FramingPlan("Delimiter", {"mark": b"\r\n"}, more),
    )
    with serving(replies(lambda line: b"$4\r\n\r\nab\r\n")) as url:
        run = play(made, url, lambda run: run.row("name") >= 3)
    assert (run.errors, RECORDER.failures) == ([], 0)


def test_frames_pipelines_and_one_way_messages() -> None:
    def answer(line: bytes) -> bytes:
        return {b"LIST": b"+OK\r\n1\r\n2\r\n.\r\n", b"TWO": b"a\r\nb\r\n"}.get(line, pong(line))

    made = plan(
        send("list", b"LIST", until=exact(b".")),
        send("two", b"TWO", expect=(exact(b"a"), exact(b"b"))),
        *(send("fast", b"GO ", value("n"), expect=exact(b"+GO ", value("n")), inflight=3) for _ in range(4)),
        PING,
    )
    with serving(replies(answer)) as url:
        run = play(made, url, lambda run: run.row("ping") >= 3)
    assert (run.errors, RECORDER.failures) == ([], 0)
    assert run.row("fast") >= 12


def test_pipelined_replies_come_before_the_connection_is_closed() -> None:
    go = send("go", b"GO ", value("n"), expect=exact(b"+GO ", value("n")), inflight=8)
    with serving(replies(pong)) as url:
        run = play(plan(go, go, go, rounds=1), url, lambda run: run.row("go") >= 9)
    assert (run.errors, RECORDER.failures) == ([], 0)
    assert RECORDER.unanswered <= 3  # those of the round in which the user was stopped


def test_pushes_are_answered_and_received() -> None:
    heard: list[bytes] = []

    def answer(line: bytes) -> bytes:
        heard.append(line)
        return b"PING 5\r\n>other\r\n>news 1\r\n" if line == b"SUB" else pong(line)

    made = plan(
        send("sub", b"SUB", reply=False),
        Step("receive", 2, "news", expect=(prefix(b">news"),), captures={"no": Field(pattern=rb"(\d+)")}),
        send("got", b"GOT ", value("$no"), expect=exact(b"+GOT 1")),
        pushes=(Push(prefix(b">")), Push(regex(rb"^PING (?P<id>\d+)"), text(b"PONG ", value("$id")))),
    )
    with serving(
        replies(lambda line: b"\r\n" if line.startswith(b"PONG") and not heard.append(line) else answer(line))
    ) as url:
        run = play(made, url, lambda run: run.row("got") >= 1 or RECORDER.failures)
    assert b"PONG 5" in heard
    assert run.row("push") >= 3


def test_heartbeats_go_on_beside_the_rounds() -> None:
    made = plan(PING, heartbeat=HeartbeatPlan(0.02, text(b"BEAT ", value("n")), expect=exact(b"+BEAT ", value("n"))))
    with serving(replies(pong)) as url:
        run = play(made, url, lambda run: run.row("heartbeat") >= 3 and run.row("ping"), every=0.05)
    assert (run.errors, RECORDER.failures) == ([], 0)


def test_heartbeats_end_before_a_goodbye() -> None:
    heard: list[bytes] = []

    def answer(line: bytes) -> bytes:
        heard.append(line)
        return pong(line)

    made = plan(
        send("slow", b"SLOW"),
        Step("wait", 2, seconds=0.05),
        heartbeat=HeartbeatPlan(0.005, text(b"BEAT")),
        goodbye=(send("bye", b"QUIT"), Step("wait", 3, seconds=0.05)),
        rounds=1,
    )
    with serving(replies(answer)) as url:
        run = play(made, url, lambda run: run.row("bye") >= 2)
    assert (run.errors, RECORDER.failures) == ([], 0)
    assert b"BEAT" in heard
    assert [after for before, after in pairwise(heard) if before == b"QUIT" and after != b"SLOW"] == []


def test_replies_are_matched_by_id() -> None:
    def talk(peer: Any) -> None:
        while messages := [one for one in (peer.recv(4), peer.recv(4)) if one]:
            for message in reversed(messages):
                peer.sendall(message)

    by_id = Field(0, 2)
    ask = send("ask", value("n", "u2"), b"ab", expect=exact(value("n", "u2"), b"ab"), inflight=2)
    made = plan(ask, ask, framing=FramingPlan("Fixed", {"size": 4}), match=Match(by_id, by_id))
    with serving(talk) as url:
        run = play(made, url, lambda run: run.row("ask") >= 6)
    assert (run.errors, RECORDER.failures) == ([], 0)


def test_greeting_another_framing_and_a_wait() -> None:
    def talk(peer: Any) -> None:
        peer.sendall(b"220 hello\r\n")
        assert peer.recv(100) == b"UP\r\n"
        peer.sendall(b"220 up\r\n")
        while data := peer.recv(4):
            peer.sendall(data)

    made = plan(
        Step("wait", 4, seconds=0.001),
        send("four", b"abcd", expect=exact(b"abcd")),
        connect=(
            Step("receive", 1, "greeting", expect=(prefix(b"220"),)),
            send("up", b"UP", expect=prefix(b"220")),
            Step("framing", 3, framing=FramingPlan("Fixed", {"size": 4})),
        ),
    )
    assert not user_class(made).accepts_pushes
    with serving(talk) as url:
        run = play(made, url, lambda run: run.row("four") >= 3)
    assert (run.errors, RECORDER.failures) == ([], 0)
    assert run.row("greeting") == 1


def test_connection_that_is_lost_is_opened_again() -> None:
    with serving(replies(lambda line: b"" if line == b"END" else pong(line))) as url:
        run = play(plan(PING, send("end", b"END")), url, lambda run: run.row("reconnect") >= 2)
    assert set(run.fails("end")) == {"closed"}
    assert run.errors == []


def test_class_says_what_its_plan_needs() -> None:
    made = user_class(plan(PING))
    assert (made.__name__, made.holds, made.accepts_pushes, made.not_judged) == ("mine", True, False, ())
    assert user_class(plan(Step("wait", 1, seconds=1), Step("receive", 1))).accepts_pushes
    assert not user_class(plan(Step("connect", 1), Step("receive", 1))).holds
    shaped = user_class(dataclasses.replace(plan(PING), shape={"soak": {"users": 5, "hold": "1m"}}))
    assert shaped.shape == Soak(5, "1m")
    for method in ("is_push", "on_push", "request_key", "reply_key", "goodbye"):
        assert method not in vars(made)


def test_captures_can_be_read() -> None:
    made = user_class(plan(send("a", b"abc", captures={"id": Field(1, 2)}), Step("wait", 2, seconds=LONG)))
    with serving(replies(pong)) as url:
        run = Run(made, url, 1, every=0.01, arrivals="even")
        wait_until(lambda: run.row("a"))
        [user] = run.runner.user_greenlets
        assert user.captured() == {"id": b"ab"}
        run.stop()
