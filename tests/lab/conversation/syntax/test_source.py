from pathlib import Path

import pytest

from lab.conversation.syntax.source import Map, Mistake, Place, Scalar, Sequence, Source, read, unknown
from lab.errors import UsageError
from tests.support.yaml_nodes import node, value


def test_nodes_know_their_places() -> None:
    root = node("first: 1\nlist:\n  - {a: x}\n  - 'y'\n")
    assert isinstance(root, Map)
    entries = root["list"]
    assert isinstance(entries, Sequence)
    assert str(root.keys_at["list"]) == "f.yaml:2:1"
    assert [str(each.place) for each in entries] == ["f.yaml:3:5", "f.yaml:4:5"]
    assert (root.kind, entries.kind, root["first"].kind) == ("a map", "a list", "a text")


@pytest.mark.parametrize(
    ("text", "converted"),
    [
        ("word", ""),
        ("no", "yes or no"),
        ("0123", "a number"),
        ("1.5", "a number"),
        ("12:30", "a number"),
        ("2026-01-01", "a date"),
        ("~", "nothing"),
        ("", "nothing"),
        ("=", "a value of its own"),
        ("'no'", ""),
        ('"0123"', ""),
        ("|\n  no", ""),
    ],
)
def test_what_yaml_would_make_of_a_scalar(text: str, converted: str) -> None:
    found = value(text)
    assert isinstance(found, Scalar)
    assert found.converted == converted


def test_scalar_keeps_what_was_written_between_double_quotes() -> None:
    found = value(r'"a\xff\r\n"')
    assert isinstance(found, Scalar)
    assert (found.text, found.raw, found.style) == ("a\xff\r\n", r"a\xff\r\n", '"')
    assert str(found.begin) == "f.yaml:1:5"


def test_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfkey: 1\n")
    root = read(Source(tmp_path / "a.yaml", "a.yaml"))
    assert isinstance(root, Map)
    assert list(root) == ["key"]


def test_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^a\.yaml: No such file or directory; expected the file of a conversation; "):
        read(Source(tmp_path / "a.yaml", "a.yaml"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: !!str b", "f.yaml:1:4: `!!str` is a tag"),
        ("a: *b", "f.yaml:1:4: `*b` refers to another part of the file"),
        ("[a]: b", "f.yaml:1:1: a list as a key"),
        ("a: b\n---\nc: d\n", "f.yaml:2:1: a second document begins here"),
        ("a: b: c", "f.yaml:1:5: this is no YAML: mapping values are not allowed here; expected one `key: value`"),
    ],
)
def test_yaml_that_no_conversation_has(text: str, line: str) -> None:
    with pytest.raises(Mistake) as refused:
        node(text)
    assert str(refused.value).startswith(line)


def test_mistake_is_one_line_without_the_name_of_the_command() -> None:
    mistake = Mistake(Place(Source(Path("a"), "a"), 3, 4), "what\nis wrong", "what was expected", "what to do")
    assert str(mistake) == "a:3:4: what is wrong; what was expected; what to do"
    assert (mistake.exit_code, mistake.prefixed) == (2, False)


def test_unknown_word_with_and_without_a_suggestion() -> None:
    assert unknown("exepct", ["expect", "send"]) == "unknown key `exepct`; did you mean expect?"
    assert unknown("zzz", ["expect", "send"]) == "unknown key `zzz`"
