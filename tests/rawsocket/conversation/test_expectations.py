import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from typing import Any

import pytest

from rawsocket.conversation.expectations import Rule, finder, ruler
from rawsocket.conversation.plan import Expectation, Field, Template
from tests.support.conversations import SOURCES, Sender, text, value


def rule(expectation: Expectation, head: Any = None) -> Rule:
    found = ruler(expectation, SOURCES, head=head)
    sender: Any = Sender()
    return found if isinstance(found, Rule) else found(sender)


OK = text(b"+OK")
USER = text(b"k", value("user"))
GAPS = text(b"a", value("?"), value("?"), b"b")
VALUE_AND_GAP = text(value("user", "u1"), value("?"), value("n", "u1"))


@pytest.mark.parametrize(
    ("kind", "template", "good", "bad"),
    [
        ("exact", OK, [b"+OK"], [b"+OK ", b""]),
        ("prefix", OK, [b"+OK", b"+OK yes"], [b" +OK", b"+O"]),
        ("suffix", OK, [b"+OK", b"is +OK"], [b"+OK ", b"OK"]),
        ("contains", OK, [b"+OK", b"is +OK."], [b"+ OK"]),
        ("exact", USER, [b"k7"], [b"k8", b"k77"]),
        ("prefix", USER, [b"k7", b"k77"], [b"k8"]),
        ("suffix", USER, [b"kk7"], [b"k77"]),
        ("contains", USER, [b"ak77"], [b"k"]),
        ("exact", GAPS, [b"a\0\nb"], [b"a\0b", b"a\0\0bb"]),
        ("prefix", GAPS, [b"a12b", b"a12bc"], [b"aa12b", b"a12", b""]),
        ("suffix", GAPS, [b"a12b", b"aaa12b"], [b"a12bc", b"12b"]),
        ("contains", GAPS, [b"a12b", b"xa12a34bx"], [b"a12c", b"a1b"]),
        ("exact", VALUE_AND_GAP, [b"\7x\x2a"], [b"\7x\x2b", b"\7\x2a"]),
        ("prefix", VALUE_AND_GAP, [b"\7x\x2ax"], [b"x\7x\x2a"]),
    ],
)
def test_text_is_compared(kind: Any, template: Template, good: list[bytes], bad: list[bytes]) -> None:
    found = rule(Expectation(kind, template))
    assert all(found.met(message) for message in good)
    assert not any(found.met(message) for message in bad)


def test_pattern_is_searched_for() -> None:
    found = rule(Expectation("regex", pattern=rb"(?P<a>\d)(?P<b>x)?$"))
    assert found.met(b"ab1")
    assert not found.met(b"1b")
    assert set(found.groups) == {"a", "b"}
    assert (found.group("a", b"ab1"), found.group("b", b"ab1"), found.group("a", b"b")) == (b"1", b"", None)


def test_number_of_bytes_and_any_message() -> None:
    assert rule(Expectation("size", size=3)).met(b"abc")
    assert not rule(Expectation("size", size=3)).met(b"ab")
    assert rule(Expectation("any")).met(b"")


def test_only_an_exact_text_is_compared_by_the_engine() -> None:
    assert rule(Expectation("exact", USER)).text == b"k7"
    for other in (Expectation("prefix", USER), Expectation("exact", GAPS), Expectation("any")):
        assert rule(other).text is None
    assert rule(Expectation("exact", OK), head=lambda message: message).text is None


def test_frame_alone_or_the_whole_message_meets_it() -> None:
    def head(message: bytes) -> bytes:
        return message.partition(b"\r\n")[0]

    message = b"$5\r\nhello\r\n"
    for expectation in (
        Expectation("regex", pattern=rb"^\$\d$"),
        Expectation("exact", text(b"$5")),
        Expectation("exact", text(message)),
        Expectation("contains", text(b"hello")),
    ):
        assert rule(expectation, head).met(message)
    assert not rule(Expectation("contains", text(b"hallo")), head).met(message)


@pytest.mark.parametrize(
    ("expectation", "words"),
    [
        (Expectation("exact", USER), "b'k7'"),
        (Expectation("prefix", OK), "a message that begins with b'+OK'"),
        (Expectation("suffix", OK), "a message that ends with b'+OK'"),
        (Expectation("contains", OK), "a message that contains b'+OK'"),
        (Expectation("regex", pattern=b"^a"), "a message that matches b'^a'"),
        (Expectation("size", size=3), "a message of 3 bytes"),
        (Expectation("any"), "any message"),
        (Expectation("prefix", GAPS), "a message that begins with 61 ?? ?? 62"),
    ],
)
def test_words_for_what_was_expected(expectation: Expectation, words: str) -> None:
    assert str(rule(expectation)) == words


@pytest.mark.parametrize(
    ("field", "message", "found"),
    [
        (Field(4, 2), b"012345", b"45"),
        (Field(4, 2), b"01234", None),
        (Field(pattern=rb"id=(\d+)"), b"a id=12;", b"12"),
        (Field(pattern=rb"\d+"), b"a id=12;", b"12"),
        (Field(pattern=rb"id=(\d+)"), b"a id=;", None),
    ],
)
def test_field_is_found(field: Field, message: bytes, found: bytes | None) -> None:
    assert finder(field)(message) == found
