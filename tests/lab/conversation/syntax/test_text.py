from pathlib import Path

import pytest

from lab.conversation.syntax.scope import Scope
from lab.conversation.syntax.source import Mistake
from lab.conversation.syntax.text import Pattern, Text, Unnamed
from rawsocket.conversation.plan import Template, Value
from tests.support.yaml_nodes import value


def _bytes(text: str) -> bytes:
    return Text.read(value(text)).constant()


@pytest.mark.parametrize("quotes", ["{}", "'{}'", '"{}"', "|-\n  {}", ">-\n  {}"])
def test_escapes_mean_the_same_in_every_quoting_style(quotes: str) -> None:
    assert _bytes(quotes.format(r"a\r\n\xff\x00\t\\d \e \u00e9")) == b"a\r\n\xff\x00\t\\d \x1b \xc3\xa9"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("größer", "größer".encode()),
        (r'"\"{{a}}\""', b'"{a}"'),
        (r"'it''s {{1}}'", b"it's {1}"),
        (r'"\x7bn\x7d"', b"{n}"),
        ('"two\n   lines"', b"two lines"),
        ('"two\n\n\n  lines"', b"two\n\nlines"),
        ('"joined \\\n   lines"', b"joined lines"),
        ("|\n  one\n  two\n", b"one\ntwo\n"),
        ("{hex: '00 0aFF  ff'}", b"\x00\x0a\xff\xff"),
    ],
)
def test_text(text: str, found: bytes) -> None:
    assert _bytes(text) == found


def test_content_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "body.bin").write_bytes(b"{a}\xff\\x")
    assert Text.read(value("{file: body.bin}", tmp_path)).constant() == b"{a}\xff\\x"


def test_values_between_bytes() -> None:
    found = Text.read(value('"SET k{user:05} {random:8}"')).template(Scope())
    user, random = Value("built-in", "user", "05"), Value("built-in", "random", "8")
    assert found == Template((b"SET k", user, b" ", random))
    in_hex = Text.read(value("{hex: '01 {length:u2} 61 62'}")).template(Scope())
    assert in_hex == Template((b"\x01", Value("built-in", "length", "u2"), b"ab"))


def test_marks_around_what_length_measures() -> None:
    found = Text.read(value('"{length}{<}ab{>}c"')).template(Scope())
    assert [piece.name for piece in found.pieces if isinstance(piece, Value)] == ["length", "<", ">"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('"{>}a{<}{length}"', "f.yaml:1:4: the marks {>} {<}; expected {<} and then {>}, each once"),
        ('"{<}a{>}"', "f.yaml:1:4: {<} and {>} without {length}"),
        ('"ab{n"', "f.yaml:1:7: a single `{`"),
        ('"ab{}"', "f.yaml:1:7: `{}` is no value"),
        ("'it''s {nn}'", "f.yaml:1:11: there is no value {nn} here"),
        (r'"\ud800"', r"f.yaml:1:5: `\ud800` is no escape"),
        (r"'end\'", "f.yaml:1:8: `\\` is no escape"),
        ("{hex: '0 1'}", "f.yaml:1:11: `0` is not in hex"),
        ("{hex: '00 ??'}", "f.yaml:1:14: `??` stands for any byte; only an expectation can have it"),
        ("{hex: 00}", "f.yaml:1:10: YAML takes `00` for a number"),
        ("{user}", "f.yaml:1:4: a map that is no text"),
        ("[a]", "f.yaml:1:4: a list stands here"),
    ],
)
def test_text_with_a_mistake(text: str, line: str) -> None:
    with pytest.raises(Mistake) as refused:
        Text.read(value(text)).template(Scope())
    assert str(refused.value).startswith(line)


def test_constant_has_no_values() -> None:
    with pytest.raises(Mistake, match=r"f\.yaml:1:6: the value \{n\}; no values can be used here"):
        Text.read(value('"a{n}"')).constant()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('"AUTH {user}"', "AUTH"),
        ("GET", "GET"),
        ("'GET k'", "GET"),
        ('"k{user} x"', ""),
        ('"{user} x"', ""),
        ('"8=FIX"', ""),
        ('"MSH|^~&"', "MSH"),
        ("{hex: '10 00'}", ""),
        ('"PING{n}"', ""),
    ],
)
def test_first_word(text: str, word: str) -> None:
    assert Text.read(value(text)).first_word == word


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        (r"'^\d{2}\x00$'", rb"^\d{2}\x00$"),
        (r'"^\\d\x41\xff\r\n$"', b"^\\d\x41\xff\r\n$"),
        (r"^a.*b", b"^a.*b"),
    ],
)
def test_regular_expression_takes_only_escapes_of_yaml(text: str, pattern: bytes) -> None:
    assert Pattern.read(value(text)).value == pattern


def test_groups_of_a_regular_expression() -> None:
    assert Pattern.read(value(r"'(?P<a>.)(?P<b>.)(.)'")).groups == ["a", "b"]


def test_place_of_a_value() -> None:
    (_, found) = Text.read(value('"ab{n:u2}"')).value
    assert isinstance(found, Unnamed)
    assert (str(found.place), found.name, found.format) == ("f.yaml:1:7", "n", "u2")


def test_brackets_that_python_may_read_otherwise_one_day_are_no_warning() -> None:
    assert Pattern.read(value(r"'[[a]x--]'")).value == b"[[a]x--]"
