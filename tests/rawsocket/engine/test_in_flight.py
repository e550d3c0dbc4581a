import pytest

from rawsocket.engine.in_flight import ReplyAssembly, at_receive, check
from rawsocket.errors import ScenarioFault, Short, TooLong, Wrong
from rawsocket.wire.framing import Chunk, Line


def test_framed_reply_is_complete_at_once():
    assert ReplyAssembly().add(Line(), b"abc", b"abc", 1.0) == (b"abc", 1.0)


def test_unframed_reply_is_assembled_with_the_time_of_its_first_byte():
    assembly = ReplyAssembly()
    assert assembly.add(Chunk(), b"abc", b"a", 1.0) is None
    assert assembly.partial == b"a"
    assert assembly.add(Chunk(), b"abc", b"bc", 2.0) == (b"abc", 1.0)
    assert assembly.partial == b""


def test_one_read_is_a_reply_without_an_expectation():
    assert ReplyAssembly().add(Chunk(), None, b"a", 1.0) == (b"a", 1.0)


@pytest.mark.parametrize(("message", "failure"), [(b"ab", Short), (b"abcd", TooLong), (b"xyz", Wrong)])
def test_unexpected_message_raises_its_named_failure(message: bytes, failure: type):
    with pytest.raises(failure):
        check(b"abc", message)


def test_exception_in_an_expect_callable_is_the_cause():
    with pytest.raises(ScenarioFault) as caught:
        check(lambda reply: reply.nonsense, b"abc")
    assert isinstance(caught.value.__cause__, AttributeError)


def test_placeholder_expectation_of_receive_is_never_called():
    with pytest.raises(NotImplementedError):
        at_receive(b"abc")
