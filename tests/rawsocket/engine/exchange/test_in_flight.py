import pytest

from rawsocket.engine.exchange.in_flight import ByKey, InFlight, InOrder, at_receive, check
from rawsocket.errors import ScenarioFault, Short, TooLong, Wrong
from rawsocket.wire.framing import Chunk, Line


def message(expect: object = None, **more: object) -> InFlight:
    return InFlight("row", 0.0, 0.0, expect, **more)  # type: ignore[arg-type]


def test_framed_reply_is_complete_at_once():
    assert message(b"abc").add(Line(), b"abc", 1.0) == (b"abc", 1.0)


def test_unframed_reply_is_assembled_with_the_time_of_its_first_byte():
    flight = message(b"abc")
    assert flight.add(Chunk(), b"a", 1.0) is None
    assert flight.partial == 1
    assert flight.add(Chunk(), b"bc", 2.0) == (b"abc", 1.0)


def test_one_read_is_a_reply_without_an_expectation():
    assert message().add(Chunk(), b"a", 1.0) == (b"a", 1.0)


def test_reply_in_several_frames_is_a_list_with_the_time_of_its_first_frame():
    flight = message(until=lambda frames: frames[-1] == b"end")
    assert flight.add(Line(), b"one", 1.0) is None
    assert flight.partial == 3
    assert flight.add(Line(), b"end", 2.0) == ([b"one", b"end"], 1.0)


def test_expect_of_a_reply_in_several_frames_gets_the_list():
    flight = message(lambda frames: len(frames) == 2, until=lambda frames: frames[-1] == b"end")
    with pytest.raises(Wrong):
        flight.add(Line(), b"end", 1.0)


@pytest.mark.parametrize(("reply", "failure"), [(b"ab", Short), (b"abcd", TooLong), (b"xyz", Wrong)])
def test_unexpected_message_raises_its_named_failure(reply: bytes, failure: type):
    with pytest.raises(failure):
        check(b"abc", reply)


@pytest.mark.parametrize("more", [{}, {"until": lambda frames: True}])
def test_wrong_reply_names_its_row(more: dict[str, object]):
    with pytest.raises(Wrong) as raised:
        message(lambda reply: False, **more).add(Line(), b"abc", 1.0)
    assert raised.value.detail.startswith("row: not accepted: ")


def test_fault_of_the_scenario_is_passed_on_as_it_is():
    with pytest.raises(ScenarioFault) as raised:
        message(lambda reply: reply.nonsense).add(Line(), b"abc", 1.0)
    assert not raised.value.detail.startswith("row:")
    assert isinstance(raised.value.__cause__, AttributeError)


def test_exception_in_an_expect_callable_is_a_fault_of_the_scenario():
    with pytest.raises(ScenarioFault) as caught:
        check(lambda reply: reply.nonsense, b"abc")
    assert isinstance(caught.value.__cause__, AttributeError)


def test_placeholder_expectation_of_receive_is_never_called():
    with pytest.raises(NotImplementedError):
        at_receive(b"abc")


def test_replies_in_order_belong_to_the_oldest_message():
    first, second, queue = message(), message(), InOrder()
    queue.add(first)
    queue.add(second)
    assert queue.find(b"any") is queue.oldest is first
    queue.remove(first)
    assert (queue.find(b"any"), len(queue)) == (second, 1)


def test_replies_by_key_are_found_in_any_order():
    queue = ByKey(lambda reply: reply[:1] if reply[:1].isdigit() else None)
    keyed = [message(key=b"1"), message(key=b"2")]
    ordered = [message(), message()]
    for one in (keyed[0], ordered[0], keyed[1], ordered[1]):
        queue.add(one)
    assert queue.oldest is keyed[0]
    assert [queue.find(b"2x"), queue.find(b"1x"), queue.find(b"plain")] == [keyed[1], keyed[0], ordered[0]]
    queue.remove(keyed[1])
    assert queue.find(b"2x") is None
    assert list(queue) == [keyed[0], ordered[0], ordered[1]]


def test_two_requests_in_flight_can_not_have_the_same_key():
    queue = ByKey(lambda reply: reply)
    queue.add(message(key=b"1"))
    with pytest.raises(ValueError, match="another request in flight"):
        queue.add(message(key=b"1"))
