import msgspec
import pytest

from lab.conversation.syntax.source import Mistake
from lab.conversation.syntax.structure import Entry, given, keys, structure, types
from lab.conversation.syntax.values import Flag, Name, Whole
from tests.support.yaml_nodes import node


class Inner(Entry):
    flag: Flag


class Outer(Entry):
    name: Name
    size: Whole | None = msgspec.field(default=None, name="bytes")
    inner: Inner | None = None
    many: list[Inner] | None = None


def test_entry_of_a_node() -> None:
    entry = structure(node("name: a\nbytes: 3\ninner: {flag: yes}\n"), Outer)
    assert (entry.name.value, entry.size and entry.size.value) == ("a", 3)
    assert entry.inner
    assert entry.inner.flag.value is True
    assert given(entry).keys() == {"name", "bytes", "inner"}
    assert keys(Outer) == ["name", "bytes", "inner", "many"]
    assert types(Whole | None) == [Whole]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("nam: a", "f.yaml:1:1: unknown key `nam`; did you mean name?; expected one of name, bytes, inner, many; "),
        ("bytes: 3", "f.yaml:1:1: the key `name` is missing; it is needed here; add `name: ...`"),
        ("name: a\ninner: {flog: yes}", "f.yaml:2:9: unknown key `flog`; did you mean flag?; expected one of flag; "),
        ("name: a\ninner: {}", "f.yaml:2:8: the key `flag` is missing"),
        ("name: a\ninner: b", "f.yaml:2:8: a text stands here; expected a map with flag; "),
        ("name: a\nmany: b", "f.yaml:2:7: a text stands here; expected a list; "),
        ("name: a\nmany:\n  - {flag: yes}\n  - {}", "f.yaml:4:5: the key `flag` is missing"),
        ("name: 12", "f.yaml:1:7: YAML takes `12` for a number"),
        ("[a]", "f.yaml:1:1: a list stands here; expected a map with name, bytes, inner, many; "),
    ],
)
def test_mistake_has_the_place_of_its_node(text: str, line: str) -> None:
    with pytest.raises(Mistake) as refused:
        structure(node(text), Outer)
    assert str(refused.value).startswith(line)
