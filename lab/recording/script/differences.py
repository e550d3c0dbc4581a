r"""Compares what was said at the same place of a dialogue: in several rounds, connections or recordings. Pure.

Strategy: texts are compared token by token, binary messages of one length byte by byte. Where they can't be aligned,
what stands between their common begin and their common end is the difference.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, pairwise

from lab.recording.messages.frames import is_text
from lab.recording.messages.secrets import MARK

#: Which observation: the number of the connection, and of the round on it.
Key = tuple[int, int]
_NUMBERED = re.compile(rb"([A-Za-z]+)[0-9]+")
_MARKED = re.escape(MARK) + rb"[\w:]+" + re.escape(MARK)
#: What is compared as one: the name of a secret, a word or number of a text, a byte, and in binary data a number.
_TOKEN, _BYTE, _DIGITS = (re.compile(_MARKED + more + rb"|.", re.S) for more in (rb"|[A-Za-z0-9]+", rb"", rb"|[0-9]+"))
_PARTS = re.compile(rb"\0|[^\0]+")


@dataclass(frozen=True, eq=False)
class Hole:
    """A part that varies, and what stood there each time."""

    values: Mapping[Key, bytes]

    @property
    def first(self) -> bytes:
        """What stood there at first."""
        return next(iter(self.values.values()))

    @property
    def width(self) -> int | None:
        """Its number of bytes; None if that varies."""
        sizes = {len(value) for value in self.values.values()}
        return sizes.pop() if len(sizes) == 1 else None

    @property
    def of_connection(self) -> Mapping[int, bytes] | None:
        """Its value on each connection; None if it varies on one of them."""
        found: dict[int, bytes] = {}
        for (connection, _), value in self.values.items():
            if found.setdefault(connection, value) != value:
                return None
        return found


#: What all have in common, differences, and values as the file has them.
Varied = list["bytes | Hole | str"]


def compared(texts: Mapping[Key, bytes]) -> Varied:
    """Return what all have in common, and the differences in between."""
    first = next(iter(texts.values()))
    if all(text == first for text in texts.values()):
        return [first] if first else []
    return _merged(_differences(texts, first))


def _differences(texts: Mapping[Key, bytes], first: bytes) -> Varied:
    text = is_text(first)
    tokens = {key: (_TOKEN if text else _BYTE).findall(each) for key, each in texts.items()}
    if len({len(each) for each in tokens.values()}) == 1:
        return _aligned(tokens) if text else _wide(_aligned(tokens))
    if not text and (parts := _between_zeros(texts)):
        return [each for part in parts for each in compared(part)]
    if not text:  # as there, a number in digits is one
        tokens = {key: _DIGITS.findall(each) for key, each in texts.items()}
    return _between(tokens)


def _between_zeros(texts: Mapping[Key, bytes]) -> Sequence[Mapping[Key, bytes]]:
    """Return binary messages as texts with zeros between them (Gearman); none if what varies are no such texts."""
    parts = {key: _PARTS.findall(each) for key, each in texts.items()}
    if len({len(each) for each in parts.values()}) != 1:
        return []
    columns = list(zip(*parts.values(), strict=True))
    varied = [column for column in columns if len(set(column)) > 1]
    if not any(set(column) == {b"\0"} for column in columns) or not all(map(is_text, chain(*varied))):
        return []
    return [dict(zip(parts, column, strict=True)) for column in columns]


def _merged(found: Varied) -> Varied:
    """Return them with neighbouring bytes as one."""
    merged: Varied = []
    for each in found:
        if isinstance(each, bytes) and merged and isinstance(last := merged[-1], bytes):
            merged[-1] = last + each
        elif each != b"":
            merged.append(each)
    return merged


def _aligned(tokens: Mapping[Key, Sequence[bytes]]) -> Varied:
    """Return the differences of lists of the same length; neighbours make one."""
    columns = list(zip(*tokens.values(), strict=True))
    found: Varied = []
    for equal, group in groupby(columns, lambda column: len(set(column)) == 1):
        rows = list(group)
        if equal:
            found.append(b"".join(row[0] for row in rows))
        else:
            found += _numbered({key: b"".join(row[at] for row in rows) for at, key in enumerate(tokens)})
    return found


def _numbered(values: Mapping[Key, bytes]) -> Varied:
    """Return the difference; of `key1` and `key2` it is the number alone."""
    parts = [_NUMBERED.fullmatch(value) for value in values.values()]
    if all(parts) and len({part[1] for part in parts if part}) == 1:
        size = len(next(part[1] for part in parts if part))
        return [next(iter(values.values()))[:size], Hole({key: value[size:] for key, value in values.items()})]
    return [Hole(values)]


def _wide(found: Varied) -> Varied:
    """Return them with the zeros before a single byte that varies: it is the last one of a number of 2 bytes."""
    for at, (before, hole) in enumerate(pairwise(found)):
        if isinstance(before, bytes) and isinstance(hole, Hole) and hole.width == 1 and before.endswith(b"\0"):
            found[at] = before[:-1]
            found[at + 1] = Hole({key: b"\0" + value for key, value in hole.values.items()})
    return [each for each in found if each != b""]


def _between(tokens: Mapping[Key, Sequence[bytes]]) -> Varied:
    every = list(tokens.values())
    shortest = min(map(len, every))
    begin = _common(every, shortest)
    end = _common([each[::-1] for each in every], shortest - begin)
    middle = Hole({key: b"".join(each[begin : len(each) - end]) for key, each in tokens.items()})
    return [b"".join(every[0][:begin]), middle, b"".join(every[0][len(every[0]) - end :])]


def _common(tokens: Sequence[Sequence[bytes]], most: int) -> int:
    """Return how many tokens at the begin are the same in all."""
    return next((at for at in range(most) if len({each[at] for each in tokens}) > 1), most)
