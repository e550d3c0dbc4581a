"""The listener on a tap, without a connection."""

from rawsocket.check import listener
from rawsocket.check.dialogue import CLOSED, FRAME, OPEN, PART, REST, SENT, Dialogue
from rawsocket.check.listener import DialogueListener
from rawsocket.wire.framing import Framing, IdleGap, LengthPrefixed, Line, UntilClosed
from tests.support.checks import parts


def _listener(framing: Framing) -> DialogueListener:
    made = DialogueListener(Dialogue("mine", "tcp://a:1"), framing)
    made.opened()
    return made


def test_frames_and_what_is_left_over() -> None:
    found = _listener(Line())
    found.sent(b"PING\n")
    found.received(b"one\ntwo\nth")
    found.finish()
    found.finish()
    assert parts(found.dialogue, SENT, FRAME, REST) == [b"PING\n", b"one\n", b"two\n", b"th"]


def test_times_count_from_the_connect() -> None:
    found = _listener(Line())
    found.sent(b"PING\n")
    first, second = found.dialogue.entries
    assert first.kind == OPEN
    assert 0.0 <= first.at_ms <= second.at_ms


def test_pause_ends_a_message_before_the_next_one_is_sent() -> None:
    found = _listener(IdleGap(0.1))
    found.received(b"one")
    found.sent(b"PING")
    assert parts(found.dialogue, SENT, FRAME) == [b"one", b"PING"]


def test_end_of_the_connection_ends_a_message() -> None:
    found = _listener(UntilClosed())
    found.received(b"one")
    found.received(b"")
    found.received(b"")
    assert parts(found.dialogue, FRAME, CLOSED) == [b"one", "closed by the server"]


def test_arrived_is_that_of_the_step() -> None:
    found = _listener(Line())
    found.received(b"banner\n")
    found.begin("send `get`", "a.yaml:3")
    assert found.arrived() == []
    assert found.earlier() == [b"banner\n"]
    found.received(b"one\ntw")
    assert found.arrived() == [b"one\n", b"tw"]


def test_what_a_diagnosis_gets() -> None:
    found = _listener(LengthPrefixed(4))
    found.sent(b"PING")
    found.received(b"+PONG\r\n")
    seen = found.seen("too-long")
    assert (seen.received, seen.sent, seen.frames, seen.rest) == ([b"+PONG\r\n"], [b"PING"], [], b"+PONG\r\n")
    assert "announced" in seen.broken


def test_second_connection_has_a_cut_of_its_own() -> None:
    found = _listener(Line())
    found.received(b"unfinished")
    found.opened()
    found.received(b"new\n")
    assert parts(found.dialogue, FRAME) == [b"new\n"]


def test_framing_that_changes() -> None:
    found = _listener(Line())
    found.framing_changes(LengthPrefixed(1))
    found.received(b"\1a")
    assert parts(found.dialogue, FRAME) == [b"\1a"]


def test_number_of_entries_is_bounded(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(listener, "MOST_ENTRIES", 5)
    found = _listener(Line())
    found.received(b"push\n" * 100)
    found.begin("x", "")
    assert len(found.dialogue.entries) == 5
    assert found.dialogue.count(PART) == 0
