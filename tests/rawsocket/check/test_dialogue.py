"""The document of a check."""

import json

import pytest

from rawsocket.check.dialogue import (
    CAPTURE,
    FRAME,
    MISTAKE,
    PART,
    PROGRAM,
    RECEIVED,
    REST,
    SENT,
    SERVER,
    UNREACHABLE,
    Dialogue,
    Entry,
    Failure,
    line_of,
    turns,
)

ENTRIES = [
    Entry(0.0, PART, "send `set`", "a.yaml:3"),
    Entry(0.1, SENT, data=b"one"),
    Entry(0.2, SENT, data=b"two"),
    Entry(0.3, FRAME, data=b"\xff1"),
    Entry(0.3, CAPTURE, "id", data=b"1"),
    Entry(0.4, FRAME, data=b"2"),
    Entry(0.5, SENT, data=b"three"),
    Entry(0.6, REST, data=b"4"),
]


def test_turns_of_each_side_end_where_the_other_one_begins() -> None:
    assert turns(ENTRIES, (SENT,)) == [b"onetwo", b"three"]
    assert turns(ENTRIES, RECEIVED) == [b"\xff12", b"4"]
    assert turns([], RECEIVED) == []


@pytest.mark.parametrize(("why", "code"), [(SERVER, 3), (MISTAKE, 2), (UNREACHABLE, 2), (PROGRAM, 1)])
def test_exit_code(why: str, code: int) -> None:
    assert Dialogue("a", "tcp://a:1").exit_code == 0
    assert Dialogue("a", "tcp://a:1", failure=Failure(why, "wrong")).exit_code == code


@pytest.mark.parametrize("failure", [None, Failure(SERVER, "wrong", "x", hints=("one", "two"))])
def test_dialogue_survives_a_line_of_json(failure: Failure | None) -> None:
    made = Dialogue("a", "tcp://a:1", "line", ENTRIES, failure, 12.5)
    line = line_of(made)
    assert "\n" not in line
    assert Dialogue.read(json.loads(line)["check"]) == made
