"""The framings and their decoders under a short name: `from rawsocket.framing import Decoder`."""

from rawsocket.wire.framing import (
    MAX_SIZE,
    Chunk,
    Decoder,
    Delimiter,
    Fixed,
    Framing,
    IdleGap,
    LengthField,
    LengthInText,
    LengthPrefixed,
    Line,
    Marks,
    UntilClosed,
    UntilPattern,
    Varint,
)

__all__ = [
    "MAX_SIZE",
    "Chunk",
    "Decoder",
    "Delimiter",
    "Fixed",
    "Framing",
    "IdleGap",
    "LengthField",
    "LengthInText",
    "LengthPrefixed",
    "Line",
    "Marks",
    "UntilClosed",
    "UntilPattern",
    "Varint",
]
