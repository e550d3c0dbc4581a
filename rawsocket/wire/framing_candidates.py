r"""The framings that `framing_detection.py` tries, each with its cost: how particular it is, in bits. Pure.

Usual framings and those of known protocols cost little. Others are made from the bytes: marks that all turns end with,
and lengths that are right for a whole turn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from rawsocket.wire.framing import (
    Delimiter,
    Fixed,
    Framing,
    IdleGap,
    LengthField,
    LengthInText,
    LengthPrefixed,
    Marks,
    UntilClosed,
    UntilPattern,
    Varint,
)

GAP_S = 0.05  # of the pause that is suggested if nothing else fits
MOST_OFFSET = 16  # BGP has its length there
MOST_ADJUST = 32
LONGEST_MARK = 4
SAME_SIZE = 3  # turns of the same size that say something
SAMPLES = 8  # turns from which lengths and marks are made


@dataclass(frozen=True, slots=True)
class Candidate:
    """A framing to try, and its cost. `alone`: it fits only if each turn is exactly one frame."""

    framing: Framing
    cost: float
    alone: bool = False


Order = Literal["big", "little"]
ORDERS: tuple[Order, Order] = ("big", "little")
USUAL_MARKS = (b"\r\n", b"\n", b"\r\n\r\n", b"\n\n", b"\0", b"\x03", b"\r", b"\x1c\r", b"\r\n.\r\n")
USUAL_PAIRS = ((b"\x0b", b"\x1c\r"), (b"\2", b"\3"))  # MLLP, STX and ETX
#: Formats of known protocols, which their parameters alone would make expensive.
KNOWN: tuple[Framing, ...] = (
    LengthField(offset=4, size=2),  # Modbus
    LengthField(offset=1, size=4, adjust=-4),  # PostgreSQL
    LengthField(offset=8, size=4, adjust=12),  # memcached, binary
    LengthField(offset=3, size=4, adjust=1),  # AMQP
    LengthField(offset=0, size=3, byteorder="little", adjust=1),  # MySQL
    LengthField(offset=16, size=2, includes_header=True),  # BGP
    LengthField(offset=2, size=2, includes_header=True, adjust=0),  # TDS
    LengthField(offset=0, size=3, adjust=6),  # HTTP/2
    LengthField(offset=3, size=2),  # TLS
    Varint(offset=1),  # MQTT
)


def by_mark(turns: Sequence[bytes]) -> Iterator[Candidate]:
    """Name marks that end messages, and pairs of marks around them."""
    for mark in USUAL_MARKS:
        yield Candidate(Delimiter(mark), 2.0)
    for start, end in USUAL_PAIRS:
        yield Candidate(Marks(start, end), 2.0)
    if len(turns) < 2:
        return  # a single turn ends with anything
    # What all turns end with may be a mark, unless it occurs inside a turn as well; its first turn proves nothing.
    suffix = _common_suffix(turns[:SAMPLES])
    if not suffix.endswith(USUAL_MARKS):
        for mark in (suffix[-size:] for size in range(1, len(suffix) + 1)):
            if not any(chr(byte).isalnum() for byte in mark):
                yield Candidate(Delimiter(mark), 12.0 + 9 * len(mark), alone=True)
    sizes = {len(turn) for turn in turns[:SAMPLES]}
    if len(sizes) == 1 and len(turns) >= SAME_SIZE:
        yield Candidate(Fixed(sizes.pop()), 8.0)


def _common_suffix(turns: Sequence[bytes]) -> bytes:
    first = turns[0]
    sizes = range(min(LONGEST_MARK, len(first)), 0, -1)
    return next((first[-size:] for size in sizes if all(turn.endswith(first[-size:]) for turn in turns)), b"")


def by_text() -> Iterator[Candidate]:
    """Name framings whose lengths are digits, and those that end with a pattern."""
    yield Candidate(LengthInText(b"\r\n\r\n", rb"(?i)\ncontent-length: *(\d+)\r"), 3.0)  # HTTP
    yield Candidate(LengthInText(b"\r\n\r\n", rb"(?i)\Acontent-length: *(\d+)\r"), 3.0)  # LSP
    yield Candidate(LengthInText(b" ", rb"\A([1-9]\d*) \Z"), 3.0)  # syslog, octet-counted
    yield Candidate(LengthInText(b":", rb"\A(\d+):\Z", b","), 3.0)  # netstrings
    yield Candidate(UntilPattern(rb"\x0110=\d{3}\x01"), -20.0)  # FIX: a pattern of 8 bytes
    yield Candidate(UntilPattern(rb"[$#>%] \Z"), 6.0)  # a prompt


def by_length(turns: Sequence[bytes]) -> Iterator[Candidate]:
    """Name framings whose frames begin with their length. A wide length is less likely to be right by chance."""
    for size, order, counts in product((1, 2, 4, 8), ORDERS, (False, True)):
        if size > 1 or order == "big":
            yield Candidate(LengthPrefixed(size, order, counts), 4.0 - size / 2 + (order == "little") + counts)
    yield Candidate(Varint(), 4.0)
    for known in KNOWN:
        yield Candidate(known, 3.0)
    for offset, size, order in product(range(MOST_OFFSET + 1), (4, 2, 3, 1), ORDERS):
        if size == 1 and order == "little":
            continue
        cost = 8.0 - size + (order == "little")
        for adjust in _adjusts(turns, offset, size, order):
            yield Candidate(LengthField(offset, size, order, adjust), cost + _rarity(offset, size, adjust))


def _adjusts(turns: Sequence[bytes], offset: int, size: int, order: Order) -> set[int]:
    """Return by how much the length is off in turns that are one frame, if it is one."""
    header = offset + size
    lengths = [
        len(turn) - header - int.from_bytes(turn[offset:header], order)
        for turn in turns[:SAMPLES]
        if len(turn) >= header
    ]
    found = {adjust for adjust in lengths if abs(adjust) <= MOST_ADJUST}
    return found if offset else found - {0, -size}  # those are LengthPrefixed


def _rarity(offset: int, size: int, adjust: int) -> float:
    """Return what an adjustment costs: little if the length counts itself or its header."""
    return 0.0 if adjust == 0 else 1.0 if adjust in (-size, -offset - size) else 5.0


def unframed(turns: int, closed: bool) -> list[Framing]:
    """Return what fits any bytes; the end of the connection only if it ended a single message."""
    return [UntilClosed(), IdleGap(GAP_S)] if closed and turns == 1 else [IdleGap(GAP_S)]
