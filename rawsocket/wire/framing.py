"""All framings, from the files of this package that define them. Pure.

`framing_base` has the interfaces and the rules, `framing_marks` what ends at certain bytes, `framing_lengths` what has
a known length, `framing_text` what says its length in text, `framing_unframed` what ends with a read, a pause or the
connection.
"""

from rawsocket.wire.framing_base import MAX_SIZE, Decoder, Framing, Framings, rest_of
from rawsocket.wire.framing_lengths import Fixed, LengthField, LengthPrefixed, Varint
from rawsocket.wire.framing_marks import Delimiter, Line, Marks, UntilPattern
from rawsocket.wire.framing_text import LengthInText
from rawsocket.wire.framing_unframed import Chunk, IdleGap, UntilClosed

__all__ = [
    "MAX_SIZE",
    "Chunk",
    "Decoder",
    "Delimiter",
    "Fixed",
    "Framing",
    "Framings",
    "IdleGap",
    "LengthField",
    "LengthInText",
    "LengthPrefixed",
    "Line",
    "Marks",
    "UntilClosed",
    "UntilPattern",
    "Varint",
    "rest_of",
]
