"""Segments of TCP become streams: in order, each byte once."""

from collections.abc import Iterator

from lab.recording.reassembly import SEQUENCE, Segment, Stream, assembled

CLIENT, SERVER = ("10.0.0.1", 50000), ("10.0.0.2", 6379)


def _sent(number: int, data: bytes, at: float = 0.0, **flags: bool) -> Segment:
    return Segment(at, CLIENT, SERVER, number % SEQUENCE, data, **flags)


def _received(number: int, data: bytes, at: float = 0.0, **flags: bool) -> Segment:
    return Segment(at, SERVER, CLIENT, number % SEQUENCE, data, **flags)


def _delivered(segments: list[Segment]) -> list[bytes]:
    stream = Stream()
    return [stream.add(segment) for segment in segments]


def test_segments_in_order() -> None:
    assert _delivered([_sent(9, b"", syn=True), _sent(10, b"ab"), _sent(12, b"c")]) == [b"", b"ab", b"c"]


def test_retransmission_and_overlap_are_cut_off() -> None:
    assert _delivered([_sent(10, b"abc"), _sent(10, b"abc"), _sent(12, b"cde")]) == [b"abc", b"", b"de"]


def test_segment_that_comes_early_waits() -> None:
    assert _delivered([_sent(10, b"a"), _sent(12, b"c"), _sent(11, b"b")]) == [b"a", b"", b"bc"]


def test_sequence_numbers_begin_again() -> None:
    begin = SEQUENCE - 2
    assert _delivered([_sent(begin, b"ab"), _sent(begin + 2, b"cd"), _sent(begin + 1, b"bcde")]) == [b"ab", b"cd", b"e"]


def test_keepalive_with_an_old_byte_is_nothing() -> None:
    assert _delivered([_sent(10, b"ab"), _sent(11, b"x")]) == [b"ab", b""]


def _dialogue() -> Iterator[Segment]:
    yield _sent(1, b"", 100.0, syn=True)
    yield _received(1, b"", 100.1, syn=True, ack=True)
    yield _sent(2, b"PING\r\n", 100.2)
    yield _received(2, b"+PONG\r\n", 100.3)
    yield _received(9, b"", 100.4, fin=True)


def test_connection_has_directions_times_and_who_closed_it() -> None:
    ((assembly, connection),) = assembled(_dialogue())
    assert assembly.server == SERVER
    assert assembly.whole
    assert connection.begun == 100.0
    assert connection.closed_by == "server"
    assert [(round(piece.at, 3), piece.sent, piece.data) for piece in connection.pieces] == [
        (0.2, True, b"PING\r\n"),
        (0.3, False, b"+PONG\r\n"),
    ]


def test_ports_that_are_used_again_make_another_connection() -> None:
    assert len(assembled([*_dialogue(), *_dialogue()])) == 2


def test_without_a_handshake_the_lower_port_is_the_server() -> None:
    ((assembly, connection),) = assembled([_received(5, b"+PONG\r\n"), _sent(5, b"PING\r\n")])
    assert assembly.server == SERVER
    assert not assembly.whole
    assert connection.stream(sent=True) == b"PING\r\n"


def test_gap_in_the_capture_is_skipped_and_counted() -> None:
    ((assembly, connection),) = assembled([_sent(1, b"", syn=True), _sent(2, b"a"), _sent(6, b"z")])
    assert connection.stream(sent=True) == b"az"
    assert assembly.missed == 3


def test_no_segments() -> None:
    assert assembled([]) == []
