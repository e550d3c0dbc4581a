import pytest

from rawsocket.errors import RawSocketError, ServerFull, TooLong, Wrong
from rawsocket.wire.framing import Chunk, Fixed, Framing, LengthPrefixed, Line
from rawsocket.wire.receive_buffer import SERVER_ERRORS, ReceiveBuffer
from tests.support.cuts import CUTS


def test_messages_are_taken_in_order_with_the_times_that_completed_and_began_them():
    inbox = ReceiveBuffer(Line())
    inbox.feed(b"a\nb", 1.0, False)
    inbox.feed(b"b", 1.5, False)
    inbox.feed(b"\nc\nd", 2.0, False)
    inbox.feed(b"\n", 3.0, False)
    assert len(inbox) == 4
    taken = [inbox.take() for _ in range(4)]
    assert taken == [(b"a", 1.0, 1.0), (b"bb", 2.0, 1.0), (b"c", 2.0, 2.0), (b"d", 3.0, 2.0)]
    assert not inbox


@pytest.mark.parametrize("framing", [Line(), Chunk(), Fixed(3), LengthPrefixed(4)], ids=str)
@pytest.mark.parametrize("line", SERVER_ERRORS)
def test_error_lines_are_understood_in_every_framing(framing: Framing, line: bytes):
    inbox = ReceiveBuffer(framing)
    inbox.feed(line + b"\n", 1.0, False)
    assert type(inbox.failure()) is SERVER_ERRORS[line]
    with pytest.raises(RawSocketError) as caught:
        inbox.take()
    assert caught.value.detail == line.decode()


@pytest.mark.parametrize("cut", CUTS)
def test_an_error_line_may_come_in_any_cut_and_after_messages(cut):
    inbox = ReceiveBuffer(Line())
    for piece in cut(b"reply\nERR server full\n"):
        inbox.feed(piece, 1.0, False)
    assert inbox.take() == (b"reply", 1.0, 1.0)
    assert isinstance(inbox.failure(), ServerFull)


def test_inside_a_gathered_reply_no_error_line_begins():
    inbox = ReceiveBuffer(Chunk())
    inbox.feed(b"ERR server full\n", 1.0, True)
    assert inbox.failure() is None
    assert inbox.take()[0] == b"ERR server full\n"


def test_what_is_over_the_limit_stands_behind_what_was_whole():
    inbox = ReceiveBuffer(Line(4))
    inbox.feed(b"1234\n123456", 1.0, False)
    assert inbox.take()[0] == b"1234"
    assert isinstance(inbox.failure(), TooLong)


def test_what_nobody_asked_for_is_wrong_or_the_error_line():
    inbox = ReceiveBuffer(Line())
    inbox.feed(b"part", 1.0, False)
    assert isinstance(inbox.unexpected(), Wrong)
    assert "4 bytes" in inbox.unexpected().detail
    inbox.feed(b"ial\n", 1.0, False)
    assert "partial" in inbox.unexpected().detail
    inbox = ReceiveBuffer(Line())
    inbox.feed(b"ERR server full\n", 1.0, False)
    assert isinstance(inbox.unexpected(), ServerFull)
