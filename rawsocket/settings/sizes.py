"""Sizes of memory, as a setting has them: 512m, 1g. Pure."""

import re

from rawsocket.settings.row import Kind

# What an engine demands for a container.
LEAST_MEMORY = 6 * 1024**2
_SIZE = re.compile(r"\d+(?:\.\d+)?[kmgt]?b?", re.I)


def _memory(text: str) -> str:
    if not _SIZE.fullmatch(text) or 0 < size_bytes(text) < LEAST_MEMORY:
        raise ValueError("expected a size of at least 6m, such as 512m or 1g (a number alone is bytes); 0: no limit")
    return text


def size_bytes(text: str) -> int:
    """Return the bytes of a size such as 512m or 1g."""
    number, unit = re.fullmatch(r"([\d.]+)([a-z]?)b?", text.lower()).groups()  # type: ignore[union-attr]
    return int(float(number) * 1024 ** " kmgt".index(unit or " "))


MEMORY = Kind(_memory, "SIZE")
