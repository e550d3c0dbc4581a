import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from typing import Any

from rawsocket.conversation.expectations import ruler
from rawsocket.conversation.plan import Push
from rawsocket.conversation.pushes import Pushes
from tests.support.conversations import SOURCES, Sender, exact, prefix, regex, text, value

PING = Push(regex(rb"^PING (?P<id>\w+)"), text(b"PONG ", value("$id")))
NEWS = Push(prefix(b">"))
SENDER: Any = Sender()


def test_pushes_are_known_by_their_bytes() -> None:
    pushes = Pushes([PING, NEWS], SOURCES)
    assert [pushes.has(SENDER, message) for message in (b"PING a", b">x", b"+OK")] == [True, True, False]
    assert pushes.has_answers
    assert not Pushes([NEWS], SOURCES).has_answers


def test_answer_may_use_groups_of_the_pattern() -> None:
    pushes = Pushes([PING, NEWS], SOURCES)
    sender: Any = Sender()
    assert pushes.answer(sender, b"PING 77") == b"PONG 77"
    assert pushes.answer(sender, b">x") is None
    assert pushes.answer(sender, b"+OK") is None
    assert Pushes([Push(prefix(b"PING"), text(b"PONG"))], SOURCES).answer(sender, b"PING") == b"PONG"


def test_push_with_a_value_differs_by_user() -> None:
    pushes = Pushes([Push(exact(b"to ", value("user")))], SOURCES)
    assert not pushes.is_constant
    assert [pushes.has(SENDER, message) for message in (b"to 7", b"to 8")] == [True, False]


def test_receive_takes_neither_answered_pushes_nor_others_that_it_doesnt_want() -> None:
    pushes = Pushes([PING, NEWS], SOURCES)
    takes = pushes.only(ruler(prefix(b">news"), SOURCES), None)
    assert takes is not None
    assert [takes(message) for message in (b"PING a", b">weather", b">news", b"-ERR")] == [False, False, True, True]
    any_push = pushes.only(None, None)
    assert any_push is not None
    assert [any_push(message) for message in (b"PING a", b">weather")] == [False, True]
    assert Pushes([], SOURCES).only(None, None) is None
