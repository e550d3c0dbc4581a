"""Finds the number that announces the length of binary messages. Pure.

Strategy: a number at the same place of each frame, plus a constant, is the length of the frame. The constant is one of
a few that protocols use: the number counts what follows it, everything, everything but what stands before it, or what
follows it without a closing byte. Protocols that are often met come first, because several readings may fit: a number
of 2 bytes below two zeros is one of 4 bytes as well.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from lab.recording.messages.frames import Found, Runs
from rawsocket.wire.framing import Fixed, Framing, LengthField, LengthPrefixed, Varint

MAX_OFFSET = 8
SIZES = (4, 2, 3, 1)
FEW = 100  # runs that are looked at before a decoder tries all of them


class Number(NamedTuple):
    """A number of `size` bytes at `at`; a frame has its value + `more` bytes."""

    at: int
    size: int
    order: Literal["big", "little"]
    more: int

    def plausible(self, runs: list[bytes]) -> bool:
        """Whether each run can begin with such a frame."""
        end = self.at + self.size
        for run in runs[:FEW]:
            length = int.from_bytes(run[self.at : end], self.order) + self.more
            if len(run) < end or not end <= length <= len(run):
                return False
        return True

    @property
    def found(self) -> Found:
        """It as a framing: one that adds the number where nothing stands before it."""
        order = ", order: little" if self.order == "little" and self.size > 1 else ""
        if self.at == 0 and self.size != 3 and self.more in (0, self.size):
            counts = ", includes_header: yes" if self.more == 0 else ""
            prefixed: Framing = LengthPrefixed(self.size, self.order, self.more == 0)
            return Found(f"{{length: {{size: {self.size}{order}{counts}}}}}", prefixed)
        adjust = self.more - self.at - self.size
        more = f", adjust: {adjust}" if adjust else ""
        return Found(
            f"{{length: {{at: {self.at}, size: {self.size}{order}{more}}}}}",
            LengthField(self.at, self.size, self.order, adjust),
        )


POSTGRESQL = Number(1, 4, "big", 1)
MODBUS = Number(4, 2, "big", 6)
MYSQL = Number(0, 3, "little", 4)
AMQP = Number(3, 4, "big", 8)


def announced(of: Runs) -> Iterator[Found]:
    """Yield the framings with a length that may fit, the likely ones first."""
    runs = [run for connection in of for run in connection if run]
    for each in _known(runs):
        yield each.found
    varied = len({len(run) for run in runs}) > 1
    for each in _numbers(runs):
        # Where all have the same size, a number that equals it may be a coincidence, unless it comes first.
        if varied or each.at == 0:
            yield each.found
    yield Found("{varint: {at: 1}}", Varint(1))
    yield Found("varint", Varint())
    size = min(map(len, runs), default=0)
    if len(runs) > 2 and size and not any(len(run) % size for run in runs):
        yield Found(f"{{fixed: {size}}}", Fixed(size), "every message that was recorded has this size")


def _known(runs: list[bytes]) -> Iterator[Number]:
    if all(run[2:4] == b"\0\0" for run in runs):
        yield MODBUS
    if all(run[:1].isalpha() for run in runs):
        yield POSTGRESQL
    if all(run[:1] in b"\x01\x02\x03\x08" and run.endswith(b"\xce") for run in runs):
        yield AMQP
    if all(run[3:4] <= b"\x20" and len(run) > 4 for run in runs):
        yield MYSQL


def _numbers(runs: list[bytes]) -> Iterator[Number]:
    for at in range(MAX_OFFSET + 1):
        for size in SIZES:
            for order in ("big", "little") if size > 1 else ("big",):
                for more in dict.fromkeys((at + size, 0, at, at + size + 1)):
                    number = Number(at, size, order, more)
                    if number.plausible(runs):
                        yield number
