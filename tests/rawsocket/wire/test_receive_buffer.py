from typing import Any

import pytest

from rawsocket.errors import RawSocketError, ScenarioFault, ServerFull, TooLong, Wrong
from rawsocket.wire.framing import Chunk, Fixed, Framing, LengthPrefixed, Line
from rawsocket.wire.receive_buffer import SERVER_ERRORS, ReceiveBuffer
from tests.support.cuts import CUTS


def test_take_returns_messages_in_order_with_completion_and_start_times():
    buffer = ReceiveBuffer(Line())
    buffer.feed(b"a\nb", 1.0, False)
    buffer.feed(b"b", 1.5, False)
    buffer.feed(b"\nc\nd", 2.0, False)
    buffer.feed(b"\n", 3.0, False)
    assert len(buffer) == 4
    taken = [buffer.take() for _ in range(4)]
    assert taken == [(b"a", 1.0, 1.0), (b"bb", 2.0, 1.0), (b"c", 2.0, 2.0), (b"d", 3.0, 2.0)]
    assert not buffer


@pytest.mark.parametrize("framing", [Line(), Chunk(), Fixed(3), LengthPrefixed(4)], ids=str)
@pytest.mark.parametrize("line", SERVER_ERRORS)
def test_error_line_is_recognised_in_each_framing(framing: Framing, line: bytes):
    buffer = ReceiveBuffer(framing)
    buffer.feed(line + b"\n", 1.0, False)
    assert type(buffer.failure()) is SERVER_ERRORS[line]
    assert buffer.peek() == (buffer.failure(), 1.0, 1.0)
    failure = buffer.take()[0]
    assert isinstance(failure, RawSocketError)
    assert failure.detail == line.decode()


@pytest.mark.parametrize("cut", CUTS)
def test_error_line_is_recognised_in_any_cut_after_messages(cut):
    buffer = ReceiveBuffer(Line())
    for piece in cut(b"reply\nERR server full\n"):
        buffer.feed(piece, 1.0, False)
    assert buffer.take() == (b"reply", 1.0, 1.0)
    assert isinstance(buffer.failure(), ServerFull)


def test_error_line_is_not_recognised_inside_a_partial_reply():
    buffer = ReceiveBuffer(Chunk())
    buffer.feed(b"ERR server full\n", 1.0, True)
    assert buffer.failure() is None
    assert buffer.take()[0] == b"ERR server full\n"


def test_complete_messages_precede_a_too_long_failure():
    buffer = ReceiveBuffer(Line(4))
    buffer.feed(b"1234\n123456", 1.0, False)
    assert buffer.take()[0] == b"1234"
    assert isinstance(buffer.failure(), TooLong)


def test_unexpected_data_is_wrong_or_an_error_line():
    buffer = ReceiveBuffer(Line())
    buffer.feed(b"part", 1.0, False)
    assert isinstance(buffer.unexpected(), Wrong)
    assert "4 bytes" in buffer.unexpected().detail
    buffer.feed(b"ial\n", 1.0, False)
    assert "partial" in buffer.unexpected().detail
    buffer = ReceiveBuffer(Line())
    buffer.feed(b"ERR server full\n", 1.0, False)
    assert isinstance(buffer.unexpected(), ServerFull)


def test_exception_of_a_decoder_is_the_cause_of_a_fault():
    class Failing:
        pending = 0

        def feed(self, data: bytes) -> list[bytes]:
            raise LookupError

    class Broken(Line):
        def decoder(self) -> Any:
            return Failing()

    buffer = ReceiveBuffer(Broken())
    buffer.feed(b"x", 1.0, False)
    failure = buffer.take()[0]
    assert isinstance(failure, ScenarioFault)
    assert isinstance(failure.__cause__, LookupError)
