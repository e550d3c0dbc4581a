import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from typing import Any

import pytest

from rawsocket.conversation.framings import framing_of
from rawsocket.conversation.plan import Field, FramingPlan, HeartbeatPlan, Plan, Push, Step
from rawsocket.conversation.pushes import Pushes
from rawsocket.conversation.script import Op, Writer, captured
from rawsocket.users import steps
from tests.support.conversations import SOURCES, Sender, exact, plan, prefix, regex, send, text, value


def writer(made: Plan) -> Writer:
    return Writer(made, SOURCES, framing_of(made.framing), Pushes(made.pushes, SOURCES))


def op(step: Step, **more: Any) -> Op:
    [found] = writer(plan(step, **more)).script().turn
    return found


def made(found: Op) -> Any:
    sender: Any = Sender()
    assert (found.step is None) == (found.make is not None)
    return found.make(sender) if found.make is not None else found.step


def test_step_that_never_changes_is_made_once() -> None:
    found = op(send("ping", b"PING", line=7, expect=exact(b"PONG"), inflight=4))
    step = found.step
    assert (step.payload, step.name, step.expect, step.inflight, step.until) == (b"PING", "ping", b"PONG", 4, None)
    assert (found.line, found.after) == (7, None)


def test_step_with_values_is_made_for_each_message() -> None:
    step = made(op(send("get", b"GET k", value("user"), expect=exact(b"v", value("n")))))
    assert (step.payload, step.expect) == (b"GET k7", b"v42")
    step = made(op(send("get", b"GET", expect=exact(b"v", value("n")))))
    assert (step.payload, step.expect) == (b"GET", b"v42")
    assert made(op(send("get", b"GET", value("n"), expect=exact(b"v")))).expect == b"v"


def test_reply_that_is_the_message_itself_is_the_same_object() -> None:
    step = made(op(send("echo", b"hello ", value("n"), expect=exact(b"hello ", value("n")))))
    assert step.payload == b"hello 42"
    assert step.expect is step.payload


def test_random_text_of_a_message_is_the_one_that_is_expected() -> None:
    found = op(send("set", b"SET ", value("random"), expect=exact(b"is ", value("random"))))
    first, second = made(found), made(found)
    assert first.expect == b"is " + first.payload[4:]
    assert first.payload != second.payload


def test_one_way_message() -> None:
    step = op(send("log", b"a", reply=False)).step
    assert (type(step), step.payload, step.name, step.reply) == (steps.Send, b"a", "log", False)


def test_captured_reply_is_not_pipelined() -> None:
    found = op(send("get", b"GET", inflight=8, captures={"id": Field(0, 2)}))
    assert found.step.inflight == 1
    assert found.after is not None


@pytest.mark.parametrize(
    ("step", "kind", "attributes"),
    [
        (Step("raw", 1, message=text(b"PROXY ", value("user"))), steps.SendRaw, {"data": b"PROXY 7"}),
        (Step("part", 1, message=text(b"abc"), size=2), steps.SendPart, {"payload": b"abc", "size": 2}),
        (Step("wait", 1, seconds=0.5), steps.Wait, {"seconds": 0.5}),
        (Step("close", 1, reset=True), steps.Close, {"reset": True}),
        (Step("start-tls", 1), steps.StartTls, {"tls": None}),
        (Step("shutdown", 1), steps.ShutdownWrite, {}),
        (Step("framing", 1, framing=FramingPlan("Fixed", {"size": 4})), steps.SetFraming, {}),
        (Step("throttle", 1, send_rate=10.0), steps.Throttle, {"send": 10.0, "receive": None}),
        (
            Step("receive", 1, "news", seconds=3.0, required=False),
            steps.Receive,
            {"name": "news", "timeout": 3.0, "required": False, "expect": None, "only": None},
        ),
        (Step("receive", 1, expect=(exact(b"k", value("user")),)), steps.Receive, {"name": None, "expect": b"k7"}),
    ],
)
def test_other_kinds_of_steps(step: Step, kind: type, attributes: dict[str, Any]) -> None:
    found = made(op(step))
    assert type(found) is kind
    assert {name: getattr(found, name) for name in attributes} == attributes


def test_receive_leaves_other_pushes() -> None:
    step = made(op(Step("receive", 1, expect=(prefix(b">a"),)), pushes=(Push(prefix(b">")),)))
    assert [step.only(message) for message in (b">a", b">b", b"x")] == [True, False, True]


def test_opening_connects_introduces_the_user_and_starts_the_heartbeat() -> None:
    beat = HeartbeatPlan(3.0, text(b"beat ", value("n")), expect=exact(b"beat"))
    found = writer(plan(send("a", b"a"), connect=(send("a", b"hello"), send("b", b"login")), heartbeat=beat))
    connect, first, second, heartbeat = found.script().opening
    assert (type(connect.step), first.step.name, second.step.name) == (steps.Connect, "a (connect)", "b")
    step = made(heartbeat)
    assert (type(step), step.every, step.payload(), step.expect) == (steps.Heartbeat, 3.0, b"beat 42", b"beat")


def test_steps_that_connect_themselves() -> None:
    found = writer(plan(Step("connect", 1), send("a", b"a"), Step("close", 1), connect=(send("b", b"b"),))).script()
    assert found.opening == ()
    assert [type(op.step).__name__ for op in found.turn] == ["Connect", "Request", "Request", "Close"]
    assert found.opening_turn == found.turn


def test_number_of_a_steps_message_is_kept_for_the_push_that_has_it() -> None:
    receive = Step("receive", 2, expect=(exact(b"got ", value("n")),))
    constant, changing, receiving = writer(plan(send("a", b"a"), send("b", value("n")), receive)).script().turn
    sender: Any = Sender()
    assert constant.make is not None
    assert constant.make(sender).payload == b"a"
    sender.message_no = 43
    assert (made(receiving).expect, sender.step_no) == (b"got 41", 42)
    assert changing.make is not None
    assert changing.make(sender).payload == b"44"
    sender.message_no = 46  # of a heartbeat
    assert receiving.make is not None
    assert receiving.make(sender).expect == b"got 44"


def test_goodbye_and_close_end_a_connection() -> None:
    found = writer(plan(send("a", b"a"), goodbye=(send("bye", b"QUIT"),))).script()
    assert [op.step.name for op in found.goodbye] == ["bye"]
    assert type(found.closing[-1].step) is steps.Close


def test_connection_waits_for_pipelined_replies_before_it_is_closed() -> None:
    found = writer(plan(send("a", b"a", inflight=4), Step("close", 1), Step("close", 1, reset=True), rounds=1)).script()
    assert [type(op.step).__name__ for op in found.turn] == ["Request", "Answered", "Close", "Close"]
    assert [type(op.step).__name__ for op in found.closing] == ["Answered", "Close"]
    assert len(writer(plan(send("a", b"a"), rounds=1)).script().closing) == 1


def test_heartbeats_end_before_the_goodbye_after_the_last_round() -> None:
    beat = HeartbeatPlan(3.0, text(b"beat"))
    found = writer(
        plan(send("a", b"a", inflight=2), goodbye=(send("bye", b"QUIT"),), rounds=1, heartbeat=beat)
    ).script()
    assert [type(op.step).__name__ for op in found.closing] == ["Answered", "StopHeartbeats", "Request", "Close"]


def test_conversation_without_steps_is_silent() -> None:
    [silence] = writer(plan(connect=(send("a", b"a"),))).script().turn
    assert type(silence.step) is steps.Wait


def test_all_captures_of_a_plan() -> None:
    push = Push(regex(rb"(?P<token>.)"), text(value("$token")))
    made = plan(
        send("a", b"a", expect=regex(rb"(?P<used>.)(?P<unused>.)"), captures={"kept": Field(0, 1)}),
        send("b", value("$used")),
        pushes=(push, Push(regex(rb"(?P<other>.)"))),
    )
    assert captured(made) == ("kept", "token", "used")


def test_captures_are_forgotten_with_their_connection() -> None:
    connect = writer(plan(send("a", b"a", captures={"id": Field(0, 1)}))).script().opening[0]
    sender: Any = Sender()
    assert connect.after is not None
    connect.after(sender, None)
    assert sender.capture_id == b""
