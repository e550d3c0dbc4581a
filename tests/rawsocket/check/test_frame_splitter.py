"""How frames are found in what has arrived."""

import pytest

from rawsocket.check import frame_splitter
from rawsocket.check.frame_splitter import FrameSplitter
from rawsocket.wire.framing import Chunk, Delimiter, Framing, Framings, IdleGap, LengthPrefixed, Line, UntilClosed
from tests.support.framings import MODBUS, MQTT


@pytest.mark.parametrize(
    ("framing", "frames"),
    [
        (Line(), [b"one\n", b"\n", b"three\n"]),
        (Delimiter(b"\r\n"), [b"one\r\n", b"two\r\n"]),
        (LengthPrefixed(2), [b"\0\3one", b"\0\0", b"\0\2ab"]),
        (MODBUS, [MODBUS.frame(b"1234", b"abc"), MODBUS.frame(b"5678", b"")]),
        (MQTT, [MQTT.frame(b"a", b"x" * 200)]),
        (Framings(Line(), LengthPrefixed(1)), [b"\1a", b"\2bc"]),
    ],
)
def test_frames_have_all_their_bytes(framing: Framing, frames: list[bytes]) -> None:
    whole = FrameSplitter(framing)
    assert whole.feed(b"".join(frames)) == frames
    assert whole.rest == b""
    pieces = FrameSplitter(framing)
    stream = b"".join(frames)
    assert [one for at in range(len(stream)) for one in pieces.feed(stream[at : at + 1])] == frames


def test_rest_of_an_unfinished_frame() -> None:
    cut = FrameSplitter(Line())
    assert cut.feed(b"one\ntw") == [b"one\n"]
    assert cut.rest == b"tw"
    assert cut.feed(b"o\n") == [b"two\n"]


def test_stream_that_is_broken_is_all_rest_from_there_on() -> None:
    cut = FrameSplitter(LengthPrefixed(4))
    assert cut.feed(b"\0\0\0\1a+OK\r\n") == [b"\0\0\0\1a"]
    assert "announced" in cut.broken
    assert cut.feed(b"more") == []
    assert cut.rest == b"+OK\r\nmore"


def test_each_read_is_a_frame_without_a_framing() -> None:
    cut = FrameSplitter(Chunk())
    assert cut.feed(b"one") == [b"one"]
    assert cut.feed(b"two") == [b"two"]


def test_pause_and_end_complete_a_message() -> None:
    cut = FrameSplitter(IdleGap(0.1))
    assert (cut.feed(b"on"), cut.feed(b"e")) == ([], [])
    assert cut.pause() == b"one"
    assert cut.pause() == b""
    cut = FrameSplitter(UntilClosed())
    assert cut.feed(b"one") == []
    assert cut.pause() == b""
    assert cut.pause(closed=True) == b"one"


def test_fault_of_a_decoder_of_the_scenario_is_shown() -> None:
    class Broken(Line):
        def decoder(self):  # type: ignore[no-untyped-def]
            decoder = super().decoder()
            return type("Decoder", (), {"feed": lambda self, data: 1 / 0, "end": decoder.end, "pending": 0})()

    cut = FrameSplitter(Broken())
    assert cut.feed(b"one\n") == []
    assert cut.broken.startswith("ZeroDivisionError: ")


def test_much_data_is_cut_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_splitter, "SLOWLY", 4)
    cut = FrameSplitter(Line())
    assert cut.feed(b"a\nb") == [b"a\n"]
    assert cut.feed(b"c\nd\ne") == [b"bc", b"d"]
    assert cut.feed(b"\n") == [b"e"]
