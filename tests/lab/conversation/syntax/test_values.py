from typing import Any

import pytest

from lab.conversation.syntax.source import Mistake
from lab.conversation.syntax.values import Duration, Flag, Leaf, Name, Number, Share, Signed, Size, Whole, one_of
from tests.support.yaml_nodes import value


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        (Duration, "50ms", 0.05),
        (Duration, "10s", 10),
        (Duration, "2m", 120),
        (Duration, "1h30m", 5400),
        (Duration, "1.5s", 1.5),
        (Duration, "7", 7),
        (Duration, "'0.5'", 0.5),
        (Size, "10", 10),
        (Size, "64kb", 65536),
        (Size, "1MB", 1048576),
        (Size, "1.5k", 1536),
        (Whole, "0", 0),
        (Whole, "12", 12),
        (Signed, "-2", -2),
        (Number, "0.5", 0.5),
        (Flag, "yes", True),
        (Flag, "False", False),
        (Share, "0.1%", "0.1%"),
        (Share, "3", "3"),
        (Name, "a name", "a name"),
        (Name, "'007'", "007"),
    ],
)
def test_value(kind: type[Leaf], text: str, found: Any) -> None:
    leaf = kind.read(value(text))
    assert leaf.value == found
    assert str(leaf.place) == "f.yaml:1:4"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Duration, "5x"),
        (Duration, "-1"),
        (Duration, "1:30"),
        (Duration, "s"),
        (Size, "64tb"),
        (Whole, "0123"),
        (Whole, "-1"),
        (Whole, "1.5"),
        (Number, "0"),
        (Number, "1e3"),
        (Flag, "on"),
        (Share, "0.1"),
        (Name, "007"),
        (Name, "' '"),
        (Name, '"a\\tb"'),
        (Name, "[a]"),
        (Whole, "{a: 1}"),
        (Whole, ""),
    ],
)
def test_value_that_is_none(kind: type[Leaf], text: str) -> None:
    with pytest.raises(Mistake, match=r"^f\.yaml:1:\d+: .*; .*; "):
        kind.read(value(text))


def test_word_of_a_list() -> None:
    assert one_of(value("big"), ["big", "little"], "big or little") == "big"
    with pytest.raises(Mistake, match=r"`bug` is not known here; expected big or little; did you mean big\?"):
        one_of(value("bug"), ["big", "little"], "big or little")
