"""What repeats in a dialogue, what begins and ends it, and the pace of rounds."""

import pytest

from lab.recording.messages.dialogue import Exchange
from lab.recording.script.rounds import Layout, Pace, layout, pace


def _layout(text: str) -> Layout:
    """Messages separated by commas; `<` is what the server says by itself."""
    steps = [Exchange(None if each == "<" else each.encode(), 0.0, [b"OK"]) for each in text.split(",")]
    return layout(steps, "line")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # begin, period, rounds, end
        ("SET k1,GET k1,SET k2,GET k2", (0, 2, 2, 4)),
        ("AUTH x,SET k1,GET k1,SET k2,GET k2,QUIT", (1, 2, 2, 5)),
        ("AUTH x,WARM up,SET k1,GET k1,SET k2,GET k2,QUIT", (2, 2, 2, 6)),
        ("PING,PING,PING,PING", (0, 1, 4, 4)),
        ("GET /a,GET /b,GET /a,GET /b,GET /a,GET /b", (0, 2, 3, 6)),
        ("SET k1,GET k1,SET k2,GET k2,SET k3", (0, 2, 2, 5)),  # an unfinished round
        ("<,EHLO a,MAIL a,RCPT b,RCPT c,DATA,text,QUIT", (2, 5, 1, 7)),
        ("SET k1,SET k2,GET k1,QUIT", (0, 3, 1, 3)),  # two alike prove nothing
        ("AUTH x", (1, 0, 1, 1)),
        ("QUIT", (0, 0, 1, 0)),
        ("<", (1, 0, 1, 1)),
    ],
)
def test_layout(text: str, expected: tuple[int, int, int, int]) -> None:
    found = _layout(text)
    assert (found.begin, found.period, found.rounds, found.end) == expected


def test_answers_to_the_questions_of_a_login_belong_to_it() -> None:
    steps = [
        Exchange(b"AUTH LOGIN", 0.0, [b"334 abc"]),
        Exchange(b"anna", 0.0, [b"334 def"]),
        Exchange(b"secret", 0.0, [b"235 OK"]),
        Exchange(b"MAIL", 0.0, [b"250 OK"]),
    ]
    assert layout(steps, "line").begin == 3


def test_in_a_long_dialogue_the_first_word_is_enough() -> None:
    words = [f"SAY {'abcdefghijklmnopqrstuvwxyz'[at % 26]},ASK {'zyxwvu'[at % 6]}" for at in range(30)]
    assert _layout(",".join(words)).period == 2
    assert _layout(",".join(words[:3])).rounds == 1


def _rounds(*times: tuple[float, float]) -> list[list[Exchange]]:
    """Rounds of one message, sent at and answered at."""
    return [[Exchange(b"PING", sent, [b"PONG"], ended)] for sent, ended in times]


def test_pace_of_a_clock_whatever_the_server_takes() -> None:
    assert pace(_rounds((0, 0.3), (1, 1.1), (2.001, 2.6), (3, 3.2))) == Pace(pytest.approx(1.0, abs=0.01))


def test_pace_of_pauses_after_each_reply() -> None:
    found = pace(_rounds((0, 0.3), (0.5, 1.1), (1.3, 1.5), (1.7, 2.6), (2.8, 2.9)))
    assert found.every == 0
    assert found.pause == pytest.approx(0.2, abs=0.01)


def test_pace_without_pauses() -> None:
    assert pace(_rounds((0, 0.1), (0.101, 0.2), (0.201, 0.3))) == Pace(0.0)


def test_one_round_has_no_pace() -> None:
    assert not pace(_rounds((0, 0.1))).known
