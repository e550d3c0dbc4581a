"""Rounds and connections side by side."""

from lab.recording.messages.dialogue import Dialogue, Exchange
from lab.recording.script.comparison import ONCE, Compared, Push, compare


def _compare(*texts: str) -> Compared:
    """Connections, each with messages separated by commas; `<` is what the server says by itself."""
    return compare(
        [
            Dialogue(
                [
                    Exchange(None if each == "<" else each.encode(), 0.0, [b"OK"], pause=at)
                    for at, each in enumerate(text.split(","))
                ]
            )
            for text in texts
        ],
        "line",
    )


def test_each_place_has_what_was_said_there() -> None:
    found = _compare("AUTH a,SET k1,GET k1,SET k2,GET k2,QUIT", "AUTH b,SET k3,GET k3")
    (auth,), (sets, gets), (bye,) = found.connect, found.steps, found.goodbye
    assert auth.messages == {(0, ONCE): b"AUTH a", (1, ONCE): b"AUTH b"}
    assert sets.messages == {(0, 0): b"SET k1", (0, 1): b"SET k2", (1, 0): b"SET k3"}
    assert gets.first.message == b"GET k1"
    assert gets.pause == 2
    assert bye.messages == {(0, ONCE): b"QUIT"}
    assert bye.replies == {(0, ONCE): [b"OK"]}
    assert found.counts == [2, 1]
    assert [len(each) for each in found.rounds] == [2, 2]
    assert found.others == 0


def test_connection_with_another_dialogue_is_not_used() -> None:
    found = _compare("PING", "SET k1,GET k1,SET k2,GET k2")
    assert found.others == 1
    assert found.used == [1]
    assert found.steps[0].first.message == b"SET k1"


def test_pushes_are_no_steps_but_the_greeting_is() -> None:
    found = _compare("<,SUB a,<,PING,<,PING")
    assert [list(place.messages.values()) for place in found.connect] == [[], [b"SUB a"]]
    assert [push.frame for push in found.pushes] == [b"OK", b"OK"]
    assert [place.first.message for place in found.steps] == [b"PING"]


def test_answer_to_a_push_is_no_step() -> None:
    def said(message: bytes | None, reply: bytes | None, pause: float = 0.0) -> Exchange:
        return Exchange(message, 0.0, [] if reply is None else [reply], pause=pause)

    ping = said(None, b"PING :a.b")
    found = compare([Dialogue([said(b"NICK x", b"OK"), ping, said(b"PONG :a.b", None), said(b"SAY y", b"OK")])], "line")
    assert found.pushes == [Push(b"PING :a.b", b"PONG :a.b")]
    assert [place.first.message for place in found.steps] == [b"SAY y"]
    for other in (said(b"PONG :a.b", b"OK"), said(b"PONG :a.b", None, 5.0), said(b"PONG", None)):
        found = compare([Dialogue([said(b"NICK x", b"OK"), ping, other])], "line")
        assert found.pushes == [Push(b"PING :a.b")]
