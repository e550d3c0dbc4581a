"""How a number is written in a message: decimal, padded, hexadecimal, or as bytes. Pure.

    ""           decimal
    5, 05        decimal with at least 5 digits, zeros in front
    x, x8        hexadecimal, with at least 8 digits
    u1 to u8     so many bytes, the highest first; u2le: the lowest first
    varint       seven bits in each byte, the lowest first

Bytes have the lowest bits of a number that needs more, so a counter begins again at 0.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_BYTES = re.compile(r"u([1-8])(le)?")
_DECIMAL = re.compile(r"\d*")
_HEX = re.compile(r"x(\d*)")


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """A way to write a number: as `conversion` of bytes % number, after `convert` if there is one.

    `limit`: the first number that is too large for it; None: there is none.
    """

    conversion: bytes
    convert: Callable[[int], bytes] | None = None
    limit: int | None = None

    def write(self, number: int) -> bytes:
        """Return the number in this format."""
        return self.conversion % (number if self.convert is None else self.convert(number))

    def write_all(self, number: int) -> bytes:
        """Return the number in this format. Raises ValueError if it doesn't fit."""
        if self.limit is not None and number >= self.limit:
            raise ValueError(f"the number {number} is too large for its format, whose largest is {self.limit - 1}")
        return self.write(number)


def number_format(text: str) -> NumberFormat:
    """Return the format of that name. Raises ValueError if there is none."""
    if match := _BYTES.fullmatch(text):
        return _as_bytes(int(match[1]), little=bool(match[2]))
    if match := _HEX.fullmatch(text):
        return NumberFormat(_padded(match[1], b"x"))
    if _DECIMAL.fullmatch(text):
        return NumberFormat(_padded(text, b"d"))
    if text == "varint":
        return NumberFormat(b"%b", varint)
    raise ValueError(f"{text!r} is no format of a number: expected 05, x, x8, u1 to u8, u2le or varint")


def varint(number: int) -> bytes:
    """Return a number as a varint."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _padded(width: str, kind: bytes) -> bytes:
    return b"%%0%d%s" % (int(width), kind) if width.strip("0") else b"%" + kind


def _as_bytes(size: int, *, little: bool) -> NumberFormat:
    mask, limit = (1 << 8 * size) - 1, 1 << 8 * size
    if little:
        return NumberFormat(b"%b", lambda number: (number & mask).to_bytes(size, "little"), limit)
    return NumberFormat(b"%b", lambda number: (number & mask).to_bytes(size), limit)
