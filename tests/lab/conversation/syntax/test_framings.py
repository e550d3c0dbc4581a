from typing import Any

import pytest

from lab.conversation.syntax.framings import KINDS, Framing
from lab.conversation.syntax.source import Mistake
from rawsocket.conversation.framings import framing_of
from rawsocket.conversation.plan import FramingPlan
from rawsocket.wire import framing as wire
from tests.support.yaml_nodes import value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("line", wire.Line()),
        ("chunk", wire.Chunk()),
        ("eof", wire.UntilClosed()),
        ("varint", wire.Varint()),
        ("length", wire.LengthPrefixed()),
        ("{line: {max: 1kb, many: yes}}", wire.Line(1024, many=True)),
        (r'{delimiter: "\r\n"}', wire.Delimiter(b"\r\n")),
        ("{delimiter: {hex: '00'}}", wire.Delimiter(b"\0")),
        ("{delimiter: {end: ';', max: 64kb}}", wire.Delimiter(b";", 65536)),
        ("{fixed: 12}", wire.Fixed(12)),
        ("{length: 2}", wire.LengthPrefixed(2)),
        ("{length: {size: 2, order: little, includes_header: yes}}", wire.LengthPrefixed(2, "little", True)),
        ("{length: {at: 1, size: 2, adjust: -2}}", wire.LengthField(1, 2, adjust=-2)),
        ("{length: {adjust: -4, includes_header: yes}}", wire.LengthField(adjust=-4, includes_header=True)),
        ("{varint: 1}", wire.Varint(1)),
        ("{varint: {at: 1, max: 1mb}}", wire.Varint(1, 1048576)),
        (r'{marks: {start: "\x0b", end: "\x1c"}}', wire.Marks(b"\x0b", b"\x1c")),
        ("{marks: {start: a, end: b, skip_between: yes}}", wire.Marks(b"a", b"b", skip_between=True)),
        (r"{until: '[$#] '}", wire.UntilPattern(b"[$#] ")),
        (r"{head: {end: '\r\n', length: '(\d+)', after: '\r\n'}}", wire.LengthInText(b"\r\n", rb"(\d+)", b"\r\n")),
        ("{idle: 50ms}", wire.IdleGap(0.05)),
        ("{eof: {empty: yes}}", wire.UntilClosed(empty=True)),
    ],
)  # fmt: skip
def test_framing(text: str, found: Any) -> None:
    assert framing_of(Framing.read(value(text)).value) == found


def test_framing_for_each_direction() -> None:
    found = Framing.read(value("{send: chunk, receive: {fixed: 4}}")).value
    sent, received = FramingPlan("Chunk", {}), FramingPlan("Fixed", {"size": 4})
    assert found == FramingPlan("Framings", {"send": sent, "receive": received})


def test_every_framing_of_the_library_has_a_kind() -> None:
    named = {"LengthPrefixed", "LengthField"} | {kind.name(None) for name, kind in KINDS.items() if name != "length"}
    assert named == set(wire.__all__) - {"Decoder", "Framing", "Framings", "MAX_SIZE", "rest_of"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("delimter", "f.yaml:1:4: `delimter` is not known here; expected one of line, delimiter,"),
        ("{delimter: a}", "f.yaml:1:5: unknown framing `delimter`; did you mean delimiter?"),
        ("{delimiter: {ende: a}}", "f.yaml:1:17: unknown key `ende`; did you mean end?"),
        ("delimiter", "f.yaml:1:4: the key `end` is missing"),
        ("{delimiter: ''}", "f.yaml:1:16: a delimiter needs at least one byte"),
        ("{line: {}, chunk: {}}", "f.yaml:1:4: a framing with the keys line, chunk"),
        ("{}", "f.yaml:1:4: a framing without a name"),
        ("[line]", "f.yaml:1:4: a list stands here"),
        ("{marks: a}", "f.yaml:1:12: a text stands here; expected the options of marks as a map"),
        ("{length: {order: bug}}", "f.yaml:1:21: `bug` is not known here; expected big or little"),
        ("{until: '.*'}", "f.yaml:1:12: '.*' in `until`; matches no bytes at all"),
        ("{send: line}", "f.yaml:1:4: the key `receive` is missing"),
        ("{send: {send: line, receive: line}, receive: line}", "f.yaml:1:11: send and receive within send"),
    ],
)
def test_framing_with_a_mistake(text: str, line: str) -> None:
    with pytest.raises(Mistake) as refused:
        Framing.read(value(text))
    assert str(refused.value).startswith(line)
