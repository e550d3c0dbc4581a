import math
from typing import Any

import pytest

from lab.conversation.syntax.source import Mistake
from lab.conversation.syntax.step_entries import STEPS, WORDS, Close, More, Steps, Timeout
from tests.support.yaml_nodes import value


def test_one_step_or_a_list() -> None:
    assert [each.kind for each in Steps.read(value("{send: a}")).value] == ["send"]
    words = Steps.read(value(f"[{', '.join(WORDS)}]")).value
    assert [each.kind for each in words] == list(WORDS)
    assert {each.entry for each in words} == {None}


def test_step_of_each_kind() -> None:
    text = """
  - {send: a}
  - {raw: a}
  - {part: {send: abc, bytes: 2}}
  - {receive: any, timeout: forever, required: no}
  - {wait: 1s}
  - {close: reset}
  - {framing: line}
  - {throttle: {send: 10kb}}
"""
    assert [each.kind for each in Steps.read(value(text)).value] == list(STEPS)


def test_place_of_a_key() -> None:
    (step,) = Steps.read(value("{send: a, name: b}")).value
    assert str(step.at("name")) == "f.yaml:1:14"


@pytest.mark.parametrize(
    ("text", "found"),
    [("4", ("", 4)), ('"{len}+2"', ("len", 2)), ("'{len} - 1'", ("len", -1)), ("'{len}'", ("len", 0))],
)
def test_bytes_that_follow(text: str, found: tuple[str, int]) -> None:
    assert More.read(value(text)).value == found


@pytest.mark.parametrize("text", ["len", "'{len'", "'{len}x'", "-1", "[1]"])
def test_bytes_that_follow_with_a_mistake(text: str) -> None:
    with pytest.raises(Mistake, match="expected a number of bytes, or a group and more"):
        More.read(value(text))


def test_timeout_and_close() -> None:
    assert Timeout.read(value("forever")).value == math.inf
    assert Timeout.read(value("5s")).value == 5
    assert [Close.read(value(text)).value for text in ("reset", "end")] == [True, False]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[]", "f.yaml:1:4: a list without a step; expected a step, which begins with one of send, raw"),
        ("[{}]", "f.yaml:1:5: an empty step"),
        ("[[a]]", "f.yaml:1:5: a list stands here"),
        ("[{name: a}]", "f.yaml:1:6: unknown key `name`"),
        ("[{connect: yes}]", "f.yaml:1:6: `connect` has no options; expected the word alone; write `- connect`"),
        ("[send]", "f.yaml:1:5: `send` is not known here"),
        ("[{wait: 1s, name: a}]", "f.yaml:1:16: unknown key `name`"),
        ("[{raw: a, send: b}]", "f.yaml:1:14: a step with raw and send; a step does one thing; make two of it"),
    ],
)
def test_step_with_a_mistake(text: Any, line: str) -> None:
    with pytest.raises(Mistake) as refused:
        Steps.read(value(text))
    assert str(refused.value).startswith(line)
