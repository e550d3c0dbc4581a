import pytest

from lab.conversation.syntax.document import Document, Ids, Pushes, Rows, Shape
from lab.conversation.syntax.source import Mistake
from lab.conversation.syntax.structure import structure
from rawsocket.conversation.plan import Field
from tests.support.yaml_nodes import node, value


def test_every_key_is_optional() -> None:
    document = structure(node("description: nothing yet"), Document)
    assert document.description
    assert document.steps is None


def test_pushes() -> None:
    found = Pushes.read(value("[{prefix: '>', answer: ok}, '!', {text: a, answer: b}, {regex: c}]")).value
    assert [(push.match.value[0], push.answer is not None) for push in found] == [
        ("prefix", True),
        ("exact", False),
        ("exact", True),
        ("regex", False),
    ]
    with pytest.raises(Mistake, match="unknown key `anwser`; did you mean answer"):
        Pushes.read(value("{prefix: '>', anwser: ok}"))


def test_data_by_name_or_with_options() -> None:
    name, repeat = Rows.read(value("users.csv")).value
    assert (name.value, repeat) == ("users.csv", False)
    name, repeat = Rows.read(value("{file: users.csv, repeat: yes}")).value
    assert (name.value, repeat) == ("users.csv", True)


def test_ids_in_the_same_place_or_in_two() -> None:
    request, reply = Ids.read(value("{at: 0, size: 2}")).value
    assert request.value == reply.value == Field(0, 2)
    request, reply = Ids.read(value("{request: {size: 2}, reply: {regex: 'id=(.)'}}")).value
    assert (request.value, reply.value) == (Field(0, 2), Field(pattern=b"id=(.)"))


def test_shape_is_checked() -> None:
    text = "{steps: {from: 100, to: 1000, by: 100, hold: 30s}}"
    assert Shape.read(value(text)).value["steps"].keys() == {"from", "to", "by", "hold"}
    with pytest.raises(Mistake, match=r"f\.yaml:1:\d+: steps: there is no key 'users'; expected from, to, by, hold"):
        Shape.read(value("{steps: {users: 5}}"))
