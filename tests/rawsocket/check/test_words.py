"""Steps and expectations in words."""

import pytest

from rawsocket.check import words
from rawsocket.conversation.plan import Expectation, Step, Template, Value
from rawsocket.users.steps import Connect, Due, Request, StartTls

TEXT = Template((b"+OK ", Value("column", "name"), b" ", Value("built-in", "n", "05"), Value("mark", "<"), b"\r\n"))
SHOWN = r'"+OK {name} {n:05}\r\n"'


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (None, ""),
        (b"+OK", 'exactly "+OK"'),
        (b"x" * 100, f'exactly "{"x" * 60}"... (100 bytes)'),
        ([b"a", b"b"], 'exactly "a", then exactly "b"'),
        (Expectation("any"), "any message"),
        (Expectation("exact", TEXT), f"exactly {SHOWN}"),
        (Expectation("prefix", TEXT), f"a message that begins with {SHOWN}"),
        (Expectation("suffix", TEXT), f"a message that ends with {SHOWN}"),
        (Expectation("contains", TEXT), f"a message that contains {SHOWN}"),
        (Expectation("regex", pattern=rb"^\$(\d+)$"), r"a match of '^\\$(\\d+)$'"),
        (Expectation("size", size=12), "a message of 12 bytes"),
        (len, "a reply that len accepts"),
    ],
)
def test_expected(wanted: object, said: str) -> None:
    assert words.expected(wanted) == said


def test_any_byte_of_a_text_in_hex() -> None:
    assert words.template(Template((b"\x81", Value("mark", "?")))) == r'"\x81?"'


def test_steps_of_a_session() -> None:
    found = [words.step_of_session(step) for step in (Connect(), Due(1), Request(b"a", "get"), StartTls())]
    assert found == ["connect", "wait for the next slot", "request `get`", "start TLS"]


def test_steps_of_a_conversation() -> None:
    assert words.step_of_plan(Step("send", 3, "get")) == "send `get`"
    assert words.step_of_plan(Step("start-tls", 3)) == "start-tls"
    assert (words.name_in("send `get`"), words.name_in("start-tls")) == ("get", "")


def test_many_frames_are_shortened() -> None:
    assert words.frames([b"a\n", b"b\n"]) == r'"a\n" | "b\n"'
    assert words.frames([b"%d" % number for number in range(1000)], 4) == '"0" | "1" | "2" | (996 more) | "999"'
    assert words.frames([]) == ""
