"""What the fuzzer sends, and what the wire format says must become of it. Pure.

An input is a piece of a stream: a few bytes that are sent at once. A stream is the inputs of one connection. All come
from a corpus and a seed: the same seed makes the same streams.

`expected` is a third implementation of the wire format (docs/models.md), of a few lines, without any buffer.
"""

import random
from ast import literal_eval
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus.txt")
#: --max-message of the servers: short, so that many messages are too long.
LIMIT = 200
INPUTS = 50  # of a connection, at most
#: All replies of a connection fit into the kernel's buffers, so a client may send everything before it reads.
MOST_BYTES = 16_384
TOO_LONG = b"ERR message too long\n"


def corpus() -> list[bytes]:
    """Return the inputs of the corpus."""
    lines = CORPUS.read_text(encoding="utf-8").splitlines()
    return [_value(line) for line in lines if line and not line.startswith("#")]


def _value(line: str) -> bytes:
    """Return the bytes of `b"x" * 3 + b"y"`."""
    found = b""
    for part in line.split(" + "):
        text, _, times = part.partition(" * ")
        found += literal_eval(text) * int(times or 1)
    return found


class Inputs:
    """Makes streams."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._corpus = corpus()

    def stream(self, most: int = INPUTS) -> list[bytes]:
        """Return the inputs of one connection: at least one, none of them empty but for a single empty one."""
        wanted, found, size = self.random.randint(1, most), [], 0
        while len(found) < wanted and size < MOST_BYTES:
            if piece := self.piece():
                found.append(piece)
                size += len(piece)
        return found

    def piece(self) -> bytes:
        """Return one input; it may be empty."""
        draw, choose = self.random.random(), self.random.choice
        base = choose(self._corpus)
        if draw < 0.25:
            return base
        if draw < 0.45:  # short messages are what most connections carry
            return b"message %d\n" % self.random.randrange(1000)
        if draw < 0.6:
            return base[: self.random.randint(0, len(base))]
        if draw < 0.7:
            return base + choose(self._corpus)
        if draw < 0.85:
            return self._spoilt(base)
        return self.random.randbytes(self.random.randint(1, 40))

    def _spoilt(self, base: bytes) -> bytes:
        changed = bytearray(base)
        for _ in range(self.random.randint(1, 4)):
            place = self.random.randint(0, len(changed))
            changed[place : place + self.random.randint(0, 2)] = self.random.randbytes(self.random.randint(0, 2))
        return bytes(changed)

    def cut(self, stream: bytes) -> list[bytes]:
        """Cut a stream into pieces at random places."""
        places = sorted(self.random.randint(0, len(stream)) for _ in range(self.random.randint(0, 6)))
        ends = [0, *places, len(stream)]
        return [stream[begin:end] for begin, end in pairwise(ends) if end > begin]


@dataclass(frozen=True)
class Expected:
    """What must become of a stream in line framing, with app echo, when its input ends."""

    messages: list[bytes]
    unfinished: bool = False
    too_long: bool = False

    @property
    def replies(self) -> bytes:
        """All bytes that the client gets."""
        return b"".join(message + b"\n" for message in self.messages) + (TOO_LONG if self.too_long else b"")


def expected(stream: bytes, limit: int = LIMIT) -> Expected:
    """Return what must become of a stream; the message that is too long is the last thing that is looked at."""
    messages: list[bytes] = []
    *whole, rest = stream.split(b"\n")
    for message in whole:
        if len(message) > limit:
            return Expected(messages, too_long=True)
        messages.append(message)
    return Expected(messages, unfinished=0 < len(rest) <= limit, too_long=len(rest) > limit)
