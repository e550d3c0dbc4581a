from pathlib import Path

import pytest

from lab.conversation.sample_messages import Sample, check, check_framing
from lab.conversation.syntax.source import Mistake, Place, Source
from rawsocket.conversation.plan import Data, FramingPlan, More, Template, Value

PLACE = Place(Source(Path("f"), "f"), 2, 3)
LENGTH = FramingPlan("LengthField", {"offset": 0, "size": 2})


def _check(framing: FramingPlan, *pieces: bytes | Value) -> None:
    check([Sample(Template(pieces), PLACE, framing)], Data(("name",), (("a\r\nb",),)))


@pytest.mark.parametrize(
    "pieces", [(b"\x00\x01a",), (Value("built-in", "length", "u2"), b"abc"), (b"a", Value("capture", "unknown"))]
)
def test_message_that_its_framing_carries_or_may_carry(pieces: tuple[bytes | Value, ...]) -> None:
    _check(LENGTH, *pieces)


@pytest.mark.parametrize(
    ("framing", "pieces"),
    [
        (LENGTH, (b"\x00\x02a",)),
        (FramingPlan("Fixed", {"size": 4}), (Value("built-in", "random", "5"),)),
        (FramingPlan("Delimiter", {"mark": b"\r\n"}), (Value("column", "name"),)),
        (FramingPlan("Chunk", {}), ()),
        (FramingPlan("Chunk", {}), (Value("built-in", "length", "u1"), b"a" * 256)),
    ],
)
def test_message_that_its_framing_can_not_carry(framing: FramingPlan, pieces: tuple[bytes | Value, ...]) -> None:
    with pytest.raises(
        Mistake, match=r"^f:2:3: this message (can't be sent: .*; expected |holds .*, which ends a message; )"
    ):
        _check(framing, *pieces)


def test_framing_whose_frames_nothing_can_follow() -> None:
    check_framing(LENGTH, PLACE)
    with pytest.raises(Mistake, match=r"^f:2:3: raw bytes can't follow a message of `chunk`; "):
        check_framing(FramingPlan("Chunk", {}, (More(b"a", "", 1),)), PLACE)
