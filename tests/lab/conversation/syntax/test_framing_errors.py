from pathlib import Path

import pytest

from lab.conversation.compile import compiled
from lab.conversation.syntax.source import Mistake


@pytest.mark.parametrize(
    ("framing", "message"),
    [
        ("{length: {size: 3}}", "`size: 3` in `length`; must be 1, 2, 4 or 8; correct the framing"),
        ("{length: {at: 1, size: 9}}", "`size: 9` in `length`; must be 1 to 8; correct the framing"),
        ("{length: {max: 0}}", "a message size of 0 bytes; must be at least 1; correct the framing"),
        ("{head: {end: '|', length: '^MSG'}}", "'^MSG' in `head`; must have exactly one group, the digits of the"),
        ("{head: {end: '', length: '(1)'}}", "`head`; the end of a head needs at least one byte; correct the framing"),
        ("{until: 'a*'}", "'a*' in `until`; matches no bytes at all, so it would match everywhere; correct"),
        ("{until: {regex: 'a', max_match: 0}}", "`max_match: 0` in `until`; must be at least 1; correct the framing"),
        ("{marks: {start: '', end: ''}}", "'', '' in `marks`; each mark needs at least one byte; correct the framing"),
        ("{idle: 0}", "0.0 in `idle`; must be a number of seconds above 0; correct the framing"),
        ("{delimiter: ''}", "a delimiter needs at least one byte; this can't be a framing; correct the framing"),
    ],
)
def test_framing_that_can_not_be(tmp_path: Path, framing: str, message: str) -> None:
    assert message in _refused(tmp_path, f"framing: {framing}\nsteps: [{{send: abc}}]\n")


@pytest.mark.parametrize(
    ("framing", "text", "message"),
    [
        ("line", r"a\nb", r'this message holds "\n", which ends a message; the framing adds it'),
        (r"{delimiter: '\r\n'}", r"a\r\n", "remove it, or make several steps of it, all but the last with `reply: no`"),
        (r"{marks: {start: '<', end: '>'}}", "a>b", 'this message holds ">", which ends a message; '),
        (r"{length: {at: 4}}", "abcd", "length is missing or wrong for {length: {at: 4, size: 4}}; expected"),
        (r"{length: {at: 1, size: 3, order: little}}", "a", "write {length:u3le} where the length stands"),
        (r"{varint: {at: 1}}", "a", "write {length:varint} where the length stands"),
        (r"{fixed: 2}", "abc", "this message can't be sent: a message of 3 bytes: must have exactly 2; expected"),
        (r"{length: {size: 1}}", "{random:300}", "a length of 300 doesn't fit into 1 bytes; "),
    ],
)  # fmt: skip
def test_message_that_the_framing_can_not_carry(tmp_path: Path, framing: str, text: str, message: str) -> None:
    assert message in _refused(tmp_path, f"framing: {framing}\nsteps: [{{send: '{text}'}}]\n")


def test_what_can_not_follow_a_frame(tmp_path: Path) -> None:
    text = "framing: {length: {size: 2}}\nsteps: [{send: a, expect: b, then: {bytes: 2}}]\n"
    assert "raw bytes can't follow a message of `length`" in _refused(tmp_path, text)


def _refused(tmp_path: Path, text: str) -> str:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(Mistake) as raised:
        compiled(tmp_path / "a.yaml", "a.yaml")
    return str(raised.value)
