"""What is sent, and what must come back. Pure.

A payload is unique to its connection and its message, so that a reply that belongs to another
connection, or to another message of the same one, is found out: it opens with
`<connection id in hex>.<message number in hex>.` and goes on with a filler whose beginning depends
on both, so that a large payload which was mixed up in its middle differs there, too.

Where `size` is too small for both numbers their last digits are kept, the message's before the
connection's: four bytes still tell 4,096 messages of one connection apart.
"""

from rawsocket.errors import RawSocketError, Short, TooLong, Wrong

# Neither a newline nor any other control character, and nothing that could open the line `ERR ...`.
ALPHABET = b"0123456789abcdefghijklmnopqrstuvwxyz"
GREETING = b"Hello from server!"
_SHOWN = 60


def payload(size: int, connection_id: int, message_no: int) -> bytes:
    """Exactly `size` bytes (at least 1) without a newline; as unique as that size permits."""
    if size < 1:
        raise ValueError(f"a payload of {size} bytes, where at least 1 is needed")
    label = b"%x.%x" % (connection_id, message_no)
    room = size - len(label)
    if room <= 0:
        return label[-size:]
    offset = (connection_id + message_no) % len(ALPHABET)
    filler = ALPHABET * ((room + offset) // len(ALPHABET) + 1)
    return label + b"." + filler[offset : offset + room - 1]


def reply_to(message: bytes, app: str) -> bytes:
    """What the lab's server must answer: the greeting of the app `hello`, else the message itself."""
    return GREETING if app == "hello" else message


def check(expected: bytes, got: bytes) -> RawSocketError | None:
    """None if the reply is the expected one; else the failure that says how it differs."""
    if got == expected:
        return None
    if expected.startswith(got):
        return Short(f"{len(got)} bytes of the expected {len(expected)}")
    if got.startswith(expected):
        return TooLong(f"{len(got)} bytes, the expected {len(expected)} and {shorten(got[len(expected) :])}")
    return Wrong(f"{shorten(got)} instead of {shorten(expected)}")


def shorten(data: bytes) -> str:
    """The bytes as a Python literal, cut to what fits into a line of a log."""
    return repr(data) if len(data) <= _SHOWN else f"{data[:_SHOWN]!r}... ({len(data)} bytes)"
