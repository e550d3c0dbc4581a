"""What is sent, and what must come back. Pure.

A payload is unique to its connection and its message, so that a reply that belongs to another
connection, or to another message of the same one, is found out: it opens with
`<connection id in hex>.<message number in hex>.` and goes on with a filler whose beginning depends
on both, so that a large payload which was mixed up in its middle differs there, too.

Where `size` is too small for both numbers their last digits are kept, the message's before the
connection's: four bytes still tell 4,096 messages of one connection apart.
"""

from collections.abc import Callable

from rawsocket.errors import RawSocketError, Short, TooLong, Wrong

# The only right reply, or a callable that says whether one is right, or None: any will do.
Expected = bytes | Callable[[bytes], bool] | None

# Neither a newline nor any other control character, and nothing that could open the line `ERR ...`.
ALPHABET = b"0123456789abcdefghijklmnopqrstuvwxyz"
FILLER = ALPHABET * 16  # as much as most messages need, so that it isn't made for each
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
    end = offset + room - 1
    filler = FILLER if end <= len(FILLER) else ALPHABET * (end // len(ALPHABET) + 1)
    return label + b"." + filler[offset:end]


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


def judge(expect: Expected, reply: bytes) -> RawSocketError | None:
    """What is wrong with a whole reply, if anything is."""
    if expect is None or reply == expect:
        return None
    if isinstance(expect, bytes):
        return check(expect, reply)
    return None if expect(reply) else Wrong(f"not accepted: {shorten(reply)}")


def whole(expect: Expected, gathered: bytes, limit: int) -> bool:
    """Whether bytes that were gathered without a frame are all of the reply.

    Raises what is wrong with them already; TooLong if over `limit` bytes were not yet accepted by a callable.
    """
    if isinstance(expect, bytes):
        if len(gathered) < len(expect) and expect.startswith(gathered):
            return False
        failure = check(expect, gathered)
        if failure is not None:
            raise failure
        return True
    if expect is None or expect(gathered):
        return True
    if len(gathered) > limit:
        raise TooLong(f"{len(gathered)} bytes came, and were not accepted as a reply")
    return False


def shorten(data: bytes) -> str:
    """The bytes as a Python literal, cut to what fits into a line of a log."""
    return repr(data) if len(data) <= _SHOWN else f"{data[:_SHOWN]!r}... ({len(data)} bytes)"
