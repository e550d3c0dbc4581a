import re
from typing import Any

import pytest

from lab.conversation.syntax.expectations import Captures, Expect, Expects, Part
from lab.conversation.syntax.scope import Scope
from lab.conversation.syntax.source import Mistake
from rawsocket.conversation.plan import Expectation, Field, Template, Value
from tests.support.yaml_nodes import value

ANY = Value("mark", "?")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("any", Expectation("any")),
        ('"any"', Expectation("exact", Template((b"any",)))),
        ('"+OK"', Expectation("exact", Template((b"+OK",)))),
        ('""', Expectation("exact", Template(()))),
        ("{prefix: '-'}", Expectation("prefix", Template((b"-",)))),
        ("{suffix: {hex: 'ff'}}", Expectation("suffix", Template((b"\xff",)))),
        ("{contains: '{n}'}", Expectation("contains", Template((Value("built-in", "n"),)))),
        ("{regex: '^a(?P<b>.)'}", Expectation("regex", pattern=b"^a(?P<b>.)")),
        ("{bytes: 4}", Expectation("size", size=4)),
        ("{hex: '81 ?? {n:u2}'}", Expectation("exact", Template((b"\x81", ANY, Value("built-in", "n", "u2"))))),
        ("{prefix: {hex: '?? 00'}}", Expectation("prefix", Template((ANY, b"\x00")))),
    ],
)
def test_expectation(text: str, found: Expectation) -> None:
    assert Expect.read(value(text)).plan(Scope()) == found


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{prefix: a, suffix: b}", "f.yaml:1:4: an expectation with prefix and suffix; expected a text, any, or"),
        ("{}", "f.yaml:1:4: an expectation with nothing"),
        ("{prefx: a}", "f.yaml:1:5: unknown key `prefx`; did you mean prefix?"),
        ("{prefix: ''}", "f.yaml:1:13: an empty prefix; every message has it"),
        ("[a]", "f.yaml:1:4: a list stands here"),
        ("12", "f.yaml:1:4: YAML takes `12` for a number"),
    ],
)
def test_expectation_with_a_mistake(text: str, line: str) -> None:
    with pytest.raises(Mistake) as refused:
        Expect.read(value(text)).plan(Scope())
    assert str(refused.value).startswith(line)


@pytest.mark.parametrize(
    ("text", "matching", "other"),
    [
        ("'a.b'", b"a.b", b"a.bc"),
        ("{prefix: a.}", b"a.b", b"ba."),
        ("{suffix: .b}", b"a.b", b".ba"),
        ("{contains: '.'}", b"a.b", b"ab"),
    ],
)
def test_pattern_of_a_text(text: str, matching: bytes, other: bytes) -> None:
    pattern = Expect.read(value(text)).pattern
    assert pattern
    assert re.search(pattern, matching)
    assert not re.search(pattern, other)


@pytest.mark.parametrize("text", ["any", "{bytes: 3}", "'{n}'", "{hex: '00 ??'}"])
def test_what_has_no_pattern(text: str) -> None:
    assert Expect.read(value(text)).pattern is None


def test_one_expectation_or_a_list() -> None:
    assert [each.value[0] for each in Expects.read(value("any")).value] == ["any"]
    assert [each.value[0] for each in Expects.read(value("[a, {bytes: 2}, any]")).value] == ["exact", "bytes", "any"]
    with pytest.raises(Mistake, match="the list is empty"):
        Expects.read(value("[]"))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{at: 4, size: 2}", Field(4, 2)),
        ("{size: 2}", Field(0, 2)),
        ("{regex: 'id=(.)'}", Field(pattern=b"id=(.)")),
    ],
)
def test_part_of_a_message(text: str, field: Field) -> None:
    assert Part.read(value(text)).value == field


@pytest.mark.parametrize("text", ["{at: 4}", "{at: 4, size: 0}", "{regex: a, size: 2}", "{}"])
def test_part_that_says_too_little_or_too_much(text: str) -> None:
    with pytest.raises(Mistake, match="this does not say which bytes"):
        Part.read(value(text))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{user: {size: 2}}", "a capture `user`; that is the name of a built-in value"),
        ("{a-b: {size: 2}}", "a capture `a-b`; expected letters, digits and _"),
        ("{}", "a map stands here"),
        ("a", "a text stands here"),
    ],
)
def test_captures_with_a_mistake(text: str, part: Any) -> None:
    with pytest.raises(Mistake, match=re.escape(part)):
        Captures.read(value(text))


def test_groups_of_an_expression() -> None:
    assert Expect.read(value("{regex: '(?P<a>.)'}")).groups == ["a"]
    assert Expect.read(value("{prefix: a}")).groups == []
