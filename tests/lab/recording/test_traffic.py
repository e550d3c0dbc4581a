"""What was recorded: its directions, bursts, JSON, and stars in place of secrets."""

from lab.recording.traffic import Connection, Piece, Traffic
from tests.support.recordings import talk

TALK = talk(
    ("c", b"AUTH sec"), ("c", b"ret\r\n"), ("s", b"+OK secret\r\n"), ("c", b"PING\r\n", 0.5), ("s", b"+PONG\r\n")
)


def test_runs_are_what_a_side_said_before_the_other() -> None:
    assert TALK.runs(sent=True) == [b"AUTH secret\r\n", b"PING\r\n"]
    assert TALK.runs(sent=False) == [b"+OK secret\r\n", b"+PONG\r\n"]


def test_bursts_end_with_a_pause_as_well() -> None:
    pieces = (Piece(0.0, True, b"a"), Piece(0.001, True, b"b"), Piece(0.5, True, b"c"), Piece(0.6, False, b"d"))
    found = Connection(0.0, pieces)
    bursts = [[piece.data for piece in burst] for burst in found.bursts(sent=True, within=0.01)]
    assert bursts == [[b"a", b"b"], [b"c"]]
    assert [len(burst) for burst in found.bursts(sent=True, within=None)] == [3]


def test_secrets_become_stars_of_the_same_length_across_reads() -> None:
    hidden = TALK.without([b"secret"])
    assert hidden.stream(sent=True) == b"AUTH ******\r\nPING\r\n"
    assert hidden.stream(sent=False) == b"+OK ******\r\n+PONG\r\n"
    assert [len(piece.data) for piece in hidden.pieces] == [len(piece.data) for piece in TALK.pieces]


def test_json_keeps_every_byte() -> None:
    traffic = Traffic("tcp://127.0.0.1:1", (talk(("c", bytes(range(256)))),))
    again = Traffic.from_json(traffic.to_json())
    assert again.target == traffic.target
    assert again.connections[0].stream(sent=True) == bytes(range(256))
