import math
from typing import Any

import pytest

from lab.eject.code import Needs
from lab.eject.steps import Steps
from rawsocket.conversation.plan import Expectation, FramingPlan, HeartbeatPlan, More, Step, Template, Value

A = Template((b"a",))


@pytest.mark.parametrize(
    ("step", "lines"),
    [
        ({"kind": "send", "message": A, "name": "n"}, ['yield Request(b"a", name="n")']),
        ({"kind": "send", "message": A, "name": "n", "inflight": 8}, ['yield Request(b"a", name="n", inflight=8)']),
        ({"kind": "send", "message": A, "name": "n", "reply": False}, ['yield Send(b"a", name="n", reply=False)']),
        ({"kind": "raw", "message": A}, ['yield SendRaw(b"a")']),
        ({"kind": "part", "message": A, "size": 1}, ['yield SendPart(b"a", 1)']),
        ({"kind": "receive"}, ["yield Receive()"]),
        (
            {"kind": "receive", "seconds": math.inf, "required": False, "name": "x"},
            ['yield Receive(name="x", timeout=math.inf, required=False)'],
        ),
        ({"kind": "wait", "seconds": 0.5}, ["yield Wait(0.5)"]),
        ({"kind": "connect"}, ["yield from self.open()"]),
        ({"kind": "close"}, ["yield Close()"]),
        ({"kind": "close", "reset": True}, ["yield Close(reset=True)"]),
        ({"kind": "start-tls"}, ["yield StartTls()"]),
        ({"kind": "shutdown"}, ["yield ShutdownWrite()"]),
        ({"kind": "framing", "framing": FramingPlan("Fixed", {"size": 4})}, ["yield SetFraming(Fixed(4))"]),
        ({"kind": "throttle", "receive_rate": 1024.0}, ["yield Throttle(receive=1024)"]),
    ],
)
def test_step(step: dict[str, Any], lines: list[str]) -> None:
    assert Steps(Needs(), "f").lines(Step(line=1, **step)) == lines


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (FramingPlan("Delimiter", {"mark": b"\r\n", "max_size": 10}), r'Delimiter(b"\r\n", max_size=10)'),
        (FramingPlan("LengthField", {"offset": 1, "byteorder": "big"}), "LengthField(offset=1, byteorder='big')"),
        (
            FramingPlan("Framings", {"send": FramingPlan("Chunk", {}), "receive": FramingPlan("Line", {})}),
            "Framings(send=Chunk(), receive=Line())",
        ),
        (FramingPlan("Line", {}, (More(b"a", "", 1),)), "Framings(Line(), REPLIES)"),
    ],
)
def test_framing(plan: FramingPlan, code: str) -> None:
    assert Steps(Needs(), "f").framing(plan) == code


def test_heartbeats() -> None:
    steps = Steps(Needs(), "f")
    pong = Expectation("exact", Template((b"+PONG",)))
    assert steps.heartbeat(HeartbeatPlan(30, Template((b"PING",)), expect=pong)) == [
        'yield Heartbeat(30, b"PING", expect=b"+PONG")'
    ]
    changing = HeartbeatPlan(0.5, Template((Value("built-in", "user"),)), "beat", reply=False, idle=True)
    assert steps.heartbeat(changing) == [
        'yield Heartbeat(0.5, lambda: b"%d" % self.number, name="beat", reply=False, idle=True)'
    ]


def test_close_waits_for_pipelined_replies() -> None:
    steps = Steps(Needs(), "f", pipelined=True)
    assert steps.lines(Step("close", 1)) == ["yield Answered()", "yield Close()"]
    assert steps.lines(Step("close", 1, reset=True)) == ["yield Close(reset=True)"]


def test_receive_beside_other_pushes_and_the_number_of_the_message_before() -> None:
    step = Step("receive", 1, expect=(Expectation("suffix", Template((Value("built-in", "n"),))),))
    assert Steps(Needs(), "f", pushes=True).lines(step) == [
        'number = b"%d" % self.message_no',
        "yield Receive(",
        "    expect=lambda reply, number=number: reply.endswith(number),",
        "    only=lambda message, number=number: message.endswith(number),",
        ")",
    ]


def test_function_keeps_the_variable_of_its_message() -> None:
    number = Value("built-in", "n")
    step = Step("send", 1, "x", Template((number,)), expect=(Expectation("prefix", Template((number,))),))
    assert Steps(Needs(), "f").lines(step) == [
        'number = b"%d" % (self.message_no + 1)',
        'yield Request(number, name="x", expect=lambda reply, number=number: reply.startswith(number))',
    ]
