import pytest

from rawsocket.conversation.formats import number_format, varint


@pytest.mark.parametrize(
    ("name", "number", "written"),
    [
        ("", 300, b"300"),
        ("5", 300, b"00300"),
        ("05", 300, b"00300"),
        ("02", 300, b"300"),
        ("x", 300, b"12c"),
        ("x8", 300, b"0000012c"),
        ("u1", 300, b"\x2c"),
        ("u2", 300, b"\x01\x2c"),
        ("u2le", 300, b"\x2c\x01"),
        ("u3", 300, b"\0\x01\x2c"),
        ("u4", 300, b"\0\0\x01\x2c"),
        ("u8le", 300, b"\x2c\x01\0\0\0\0\0\0"),
        ("u2", 65536 + 5, b"\0\5"),
        ("varint", 300, b"\xac\x02"),
    ],
)
def test_number_is_written_in_its_format(name: str, number: int, written: bytes) -> None:
    assert number_format(name).write(number) == written


def test_largest_number_of_a_format_is_written_and_a_larger_one_is_refused() -> None:
    assert number_format("u2").write_all(65535) == b"\xff\xff"
    with pytest.raises(ValueError, match="65536 is too large for its format, whose largest is 65535"):
        number_format("u2").write_all(65536)
    assert number_format("03").write_all(1000) == b"1000"


@pytest.mark.parametrize("name", ["u9", "u2be", "5d", "-5", "X8", "text"])
def test_unknown_format_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no format of a number: expected 05, x"):
        number_format(name)


@pytest.mark.parametrize(
    ("number", "written"), [(0, b"\0"), (127, b"\x7f"), (128, b"\x80\1"), (2**21, b"\x80\x80\x80\1")]
)
def test_varint_has_seven_bits_in_each_byte(number: int, written: bytes) -> None:
    assert varint(number) == written
