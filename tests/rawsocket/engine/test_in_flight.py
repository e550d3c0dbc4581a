import pytest

from rawsocket.engine.in_flight import ReplyAssembly, at_receive, check
from rawsocket.errors import Short, TooLong, Wrong
from rawsocket.wire.framing import Chunk, Line


def test_a_framed_reply_is_complete_at_once():
    assert ReplyAssembly().add(Line(), b"abc", b"abc", 1.0) == (b"abc", 1.0)


def test_a_reply_without_frames_is_gathered_and_keeps_the_time_of_its_first_byte():
    assembly = ReplyAssembly()
    assert assembly.add(Chunk(), b"abc", b"a", 1.0) is None
    assert assembly.partial == b"a"
    assert assembly.add(Chunk(), b"abc", b"bc", 2.0) == (b"abc", 1.0)
    assert assembly.partial == b""


def test_without_expectation_one_read_is_a_reply():
    assert ReplyAssembly().add(Chunk(), None, b"a", 1.0) == (b"a", 1.0)


@pytest.mark.parametrize(("message", "failure"), [(b"ab", Short), (b"abcd", TooLong), (b"xyz", Wrong)])
def test_a_complete_message_that_is_not_the_expected_one_raises_how_it_differs(message: bytes, failure: type):
    with pytest.raises(failure):
        check(b"abc", message)


def test_an_exception_of_the_callers_own_check_is_the_cause():
    with pytest.raises(Wrong) as caught:
        check(lambda reply: reply.nonsense, b"abc")
    assert isinstance(caught.value.__cause__, AttributeError)


def test_the_check_that_only_receive_will_name_is_never_called():
    with pytest.raises(NotImplementedError):
        at_receive(b"abc")
