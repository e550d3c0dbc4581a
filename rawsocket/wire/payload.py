"""Payloads and their expected replies. Pure.

A payload is unique to its connection and its message, so a reply that belongs to another
connection, or to another message of the same one, is detected: it starts with
`<connection id in hex>.<message number in hex>.`, followed by a filler whose start depends
on both, so that two large payloads that were mixed up in the middle differ there, too.

If `size` is too small for both numbers, their last digits are kept, the message number first:
four bytes still distinguish 4,096 messages of one connection.
"""

from collections.abc import Callable

from rawsocket.errors import RawSocketError, Short, TooLong, Wrong

# The only correct reply, or a callable that says whether a reply is correct, or None: any reply.
Expected = bytes | Callable[[bytes], object] | None

# Neither a newline nor any other control character, and nothing that could start the line `ERR ...`.
ALPHABET = b"0123456789abcdefghijklmnopqrstuvwxyz"
FILLER = ALPHABET * 16  # enough for most messages, so that it isn't created for each
GREETING = b"Hello from server!"
_SHOWN = 60


def payload(size: int, connection_id: int, message_no: int) -> bytes:
    """Return exactly `size` bytes (at least 1) without a newline; as unique as that size permits."""
    if size < 1:
        raise ValueError(f"a payload of {size} bytes: must be at least 1")
    label = b"%x.%x" % (connection_id, message_no)
    room = size - len(label)
    if room <= 0:
        return label[-size:]
    offset = (connection_id + message_no) % len(ALPHABET)
    end = offset + room - 1
    filler = FILLER if end <= len(FILLER) else ALPHABET * (end // len(ALPHABET) + 1)
    return label + b"." + filler[offset:end]


def reply_to(message: bytes, app: str) -> bytes:
    """Return the correct reply of the lab's server: the greeting of the app `hello`, else the message itself."""
    return GREETING if app == "hello" else message


def check(expected: bytes, got: bytes) -> RawSocketError | None:
    """Return the failure that says how a reply differs from the expected one; None if it doesn't."""
    if got == expected:
        return None
    if expected.startswith(got):
        return Short(f"{len(got)} bytes of the expected {len(expected)}")
    if got.startswith(expected):
        return TooLong(f"{len(got)} bytes, the expected {len(expected)} and {shorten(got[len(expected) :])}")
    return Wrong(f"{shorten(got)} instead of {shorten(expected)}")


def _check_frames(expected: list[bytes], got: list[bytes]) -> RawSocketError:
    """Return the failure that says how a list of frames differs from the expected one, which it does."""
    if len(got) != len(expected):
        return Wrong(f"{len(got)} frames instead of {len(expected)}, the last one {shorten(got[-1])}")
    at = next(number for number, pair in enumerate(zip(got, expected, strict=True)) if pair[0] != pair[1])
    return Wrong(f"{shorten(got[at])} instead of {shorten(expected[at])} in frame {at + 1} of {len(got)}")


def judge(expect: Expected, reply: bytes) -> RawSocketError | None:
    """Return the failure of a complete reply; None if it is correct. A reply in frames is a list, like its `expect`."""
    if expect is None or reply == expect:
        return None
    if isinstance(expect, bytes):
        return check(expect, reply)
    if isinstance(expect, list):
        return _check_frames(expect, reply)
    return None if expect(reply) else Wrong(f"not accepted: {shorten(reply)}")


def whole(expect: Expected, gathered: bytes, limit: int) -> bool:
    """Return whether the bytes gathered without a frame are the complete reply.

    Raises a failure as soon as they can't be correct; TooLong if a callable has not accepted over `limit` bytes.
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
    """Return the bytes as a Python literal, cut to fit into a line of a log."""
    return repr(data) if len(data) <= _SHOWN else f"{data[:_SHOWN]!r}... ({len(data)} bytes)"
