import math

import pytest

from rawsocket.users.steps import (
    Call,
    Close,
    Connect,
    Due,
    Heartbeat,
    Receive,
    Request,
    Send,
    SendPart,
    SendRaw,
    SetFraming,
    StartTls,
    Throttle,
    Wait,
)
from rawsocket.wire.framing import Line


def test_steps_keep_their_arguments_and_defaults():
    request = Request(b"a", name="n", expect=b"b", inflight=2)
    assert (request.payload, request.name, request.expect, request.inflight) == (b"a", "n", b"b", 2)
    assert (Request(b"a").name, Request(b"a").expect, Request(b"a").inflight) == ("request", None, 1)
    send = Send(b"a")
    assert (send.payload, send.name, send.expect) == (b"a", "request", None)
    receive = Receive(timeout=math.inf)
    assert (receive.timeout, receive.name, receive.expect) == (math.inf, None, None)
    assert (Wait(0).seconds, Due(0.5).period) == (0, 0.5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Request(b"a", inflight=0),
        lambda: Receive(timeout=0),
        lambda: Receive(timeout=-1),
        lambda: Receive(timeout=math.nan),
        lambda: Wait(-1),
        lambda: Wait(math.nan),
        lambda: Due(0),
        lambda: Due(-1),
        lambda: Due(math.inf),
        lambda: Due(math.nan),
    ],
)
def test_invalid_argument_is_a_value_error_with_the_allowed_range(make):
    with pytest.raises(ValueError, match=r"at least|above 0"):
        make()


@pytest.mark.parametrize("step", [Request, Send])
def test_kind_of_expectation_depends_on_until(step):
    until = bool
    for expect in (None, [b"a"], bool):
        assert step(b"a", expect=expect, until=until).expect is expect
    with pytest.raises(ValueError, match="with `until` the reply is a list of frames"):
        step(b"a", expect=b"a", until=until)
    with pytest.raises(ValueError, match="without `until` the reply is bytes"):
        step(b"a", expect=[b"a"])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Request("text"),
        lambda: Request(b"a", name=3),
        lambda: Request(b"a", until=3),
        lambda: Send("text"),
        lambda: Send(b"a", name=None),
        lambda: Receive(name=3),
        lambda: Receive(only=3),
        lambda: Heartbeat(1, "text"),
        lambda: SendRaw("text"),
        lambda: SendPart("text", 1),
        lambda: SetFraming("line"),
        lambda: SetFraming(Line),
        lambda: StartTls(3),
        lambda: Call(3),
    ],
)
def test_argument_of_a_wrong_type_is_a_type_error_that_says_what_it_must_be(make):
    with pytest.raises(TypeError, match="must be"):
        make()


@pytest.mark.parametrize("more", [{"expect": b"x"}, {"until": bool}])
def test_one_way_message_has_no_reply_to_check(more):
    with pytest.raises(ValueError, match="one-way"):
        Send(b"a", reply=False, **more)


def test_receive_until_is_a_slot():
    with pytest.raises(ValueError, match=r"must be a Due"):
        Receive(until=3)


def test_steps_have_no_dict():
    for step in (Connect(), Close(), Wait(1), Due(1), Send(b"a"), Request(b"a"), Receive()):
        assert not hasattr(step, "__dict__")


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: Wait("3"), "Wait(seconds='3'): must be a number of seconds, at least 0"),
        (lambda: Due(None), "Due(period=None): must be a number of seconds above 0"),
        (lambda: Receive(timeout="3"), "Receive(timeout='3'): must be a number of seconds above 0"),
        (lambda: Heartbeat("3", b"a"), "Heartbeat(every='3'): must be a number of seconds above 0"),
        (lambda: Request(b"a", inflight="3"), "Request(inflight='3'): must be a whole number, at least 1"),
        (lambda: SendPart(b"a", "3"), "SendPart(size='3'): must be a whole number, at least 1"),
        (lambda: Throttle(send="3"), "Throttle(send='3'): must be a number of bytes a second above 0, or None"),
    ],
)
def test_argument_of_a_wrong_type_is_one_line_with_what_is_expected(make, line):
    with pytest.raises(TypeError) as raised:
        make()
    assert str(raised.value) == line


def test_slot_of_no_seconds_names_the_setting_that_makes_it():
    with pytest.raises(ValueError, match=r"it is 0 with EVERY=0"):
        Due(0)
