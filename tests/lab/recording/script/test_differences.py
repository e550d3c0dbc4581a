"""Where texts differ that were said at the same place."""

import pytest

from lab.recording.script.differences import Hole, compared


def _compared(*texts: bytes) -> list[bytes | list[bytes] | str]:
    """The common parts, and for each difference what stood there."""
    found = compared({(at, 0): text for at, text in enumerate(texts)})
    return [list(each.values.values()) if isinstance(each, Hole) else each for each in found]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((b"PING", b"PING"), [b"PING"]),
        ((b"SET k1 a", b"SET k2 a"), [b"SET k", [b"1", b"2"], b" a"]),
        ((b"GET k9", b"GET k10"), [b"GET k", [b"9", b"10"]]),
        ((b"LOGIN anna x", b"LOGIN otto x"), [b"LOGIN ", [b"anna", b"otto"], b" x"]),
        ((b"id=a1b2", b"id=zz9"), [b"id=", [b"a1b2", b"zz9"]]),
        ((b"say one", b"say one and two!"), [b"say one", [b"", b" and two!"]]),
        ((b"say a b!", b"say c!"), [b"say ", [b"a b", b"c"], b"!"]),
        ((b"\0\1\xff", b"\0\2\xff"), [[b"\0\1", b"\0\2"], b"\xff"]),
        ((b"\5\1\xff\xff", b"\5\2\xff\xff"), [b"\5", [b"\1", b"\2"], b"\xff\xff"]),
        (
            (b"\0\0\0\1rev\0a1-b\0cat", b"\0\0\0\1rev\0c2-d\0horses"),
            [b"\0\0\0\1rev\0", [b"a1", b"c2"], b"-", [b"b", b"d"], b"\0", [b"cat", b"horses"]],
        ),
        ((b"\0\xff\1", b"\0\xff\1\2"), [b"\0\xff\1", [b"", b"\2"]]),
    ],
)
def test_compared(texts: tuple[bytes, ...], expected: list[bytes | list[bytes]]) -> None:
    assert _compared(*texts) == expected


def test_value_of_a_connection() -> None:
    same = Hole({(0, 0): b"a", (0, 1): b"a", (1, 0): b"b"})
    assert same.of_connection == {0: b"a", 1: b"b"}
    assert same.first == b"a"
    assert same.width == 1
    varies = Hole({(0, 0): b"a", (0, 1): b"bb"})
    assert varies.of_connection is None
    assert varies.width is None
