"""What may be wrong if a check has failed: the framing, TLS, another protocol. Pure.

Each hint is one line: what was seen, and what to write instead.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rawsocket.check.words import shown
from rawsocket.errors import Closed, ReplyTimeout, Short, TooLong, Wrong
from rawsocket.wire.framing import Delimiter, Framing, IdleGap, LengthField, LengthPrefixed, Marks, UntilClosed, Varint
from rawsocket.wire.framing_detection import Fit, fitting
from rawsocket.wire.framing_words import quoted, written

HANDSHAKE, ALERT = 0x16, 0x15  # types of TLS records (RFC 8446, section 5.1)
MOST_FITS = 2
CLOSE = 0.6  # a second framing is named if it is nearly as likely as the first
WRONG = (Wrong.name, Short.name, TooLong.name)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check has seen. `rest`: bytes that are no whole frame; `broken`: why the framing can't be right, or "".

    `frames`: the whole frames; `received` and `sent`: the turns of both sides. `failure`: the name of the failure.
    """

    framing: Framing
    failure: str
    received: Sequence[bytes]
    sent: Sequence[bytes]
    frames: Sequence[bytes]
    rest: bytes = b""
    broken: str = ""
    closed: bool = False


def hints(seen: Seen) -> tuple[str, ...]:
    """Return what may be wrong, the likeliest first; none if there is no sign of anything."""
    return tuple(_hints(seen))


def _hints(seen: Seen) -> Iterator[str]:
    if not seen.received:
        yield from _nothing(seen)
        return
    first = seen.received[0]
    if is_tls(first):
        yield "The server answers with TLS on a plain connection: write the target as tls://host:port."
    elif first.startswith(b"HTTP/"):
        yield from _http(seen)
    elif seen.failure in WRONG and not (seen.broken or (seen.rest and not _has_cut(seen))):
        yield from _wrong(seen)
    elif seen.rest or seen.broken:
        yield from _cut(seen)


def _has_cut(seen: Seen) -> bool:
    """Return whether end marks were found: then an unfinished message says nothing against the framing."""
    return isinstance(seen.framing, Delimiter) and bool(seen.frames)


def _nothing(seen: Seen) -> Iterator[str]:
    if not seen.sent:
        return
    if seen.failure == ReplyTimeout.name:
        yield (
            f"The server sent nothing. It may wait for the rest of a message: the last bytes sent are "
            f"{shown(seen.sent[-1][-20:])}, framed as {written(seen.framing)}."
        )
    elif seen.failure == Closed.name:
        yield "The server closed the connection without a byte: does it speak this protocol, or TLS (tls://host:port)?"


def _http(seen: Seen) -> Iterator[str]:
    if not any(turn.startswith((b"GET ", b"POST ", b"PUT ", b"HEAD ", b"OPTIONS ")) for turn in seen.sent):
        status = seen.received[0].split(b"\r\n")[0]
        yield f"The server speaks HTTP, and was sent something else: it answered {shown(status)}."
    elif seen.rest or seen.broken:
        yield from _cut(seen)


def not_taken(frame: bytes) -> str:
    """Return what to know about a frame that arrived before a step that waits for a push in vain."""
    return f"Before this step {shown(frame)} arrived: a reply, or no push that the step takes."


def not_asked_for(frame: bytes) -> str:
    """Return what to know about a frame that arrived when no reply was owed."""
    return (
        f"Before this message was sent, {shown(frame)} arrived: a further frame of the reply before it (`frames`, "
        "`until`), or a message that the server sends by itself (`pushes`)."
    )


def is_tls(data: bytes) -> bool:
    """Return whether bytes begin with a record of TLS: an alert or a handshake."""
    return len(data) >= 3 and data[0] in (HANDSHAKE, ALERT) and data[1] == 3 and data[2] <= 4


def _wrong(seen: Seen) -> Iterator[str]:
    r"""Look at frames that are whole, but not as expected: a `\r` may be in each, or two messages may be in one."""
    framing = seen.framing
    if isinstance(framing, Delimiter) and framing.mark == b"\n" and all(one.endswith(b"\r\n") for one in seen.frames):
        yield (
            r"Each line ends with \r\n, and the \r belongs to the message here. A framing without it: "
            r'{delimiter: "\r\n"}'
        )
        return
    if not framing.delimits or isinstance(framing, IdleGap):
        yield from _suggest(seen, "A read or a pause may cut a reply anywhere.")


def _cut(seen: Seen) -> Iterator[str]:
    """Say why the framing can't be right for what has arrived, and what fits."""
    yield from _suggest(seen, f"The framing {written(seen.framing)} does not fit: {_misfit(seen)}.")


def _suggest(seen: Seen, why: str) -> Iterator[str]:
    yield why
    found = [fit for fit in fitting(seen.received, closed=seen.closed) if fit.text != written(seen.framing)]
    strong = [fit for fit in found if fit.points > max(0.0, CLOSE * found[0].points)]
    for fit in strong[:MOST_FITS] or found[:1]:
        yield _said(fit, len(b"".join(seen.received)))


def _said(fit: Fit, size: int) -> str:
    frames = "1 frame" if fit.received == 1 else f"{fit.received} frames"
    if isinstance(fit.framing, IdleGap | UntilClosed):
        ends = "the connection" if isinstance(fit.framing, UntilClosed) else "a pause"
        return f"No known framing fits; one that ends a message with {ends}: {fit.text}"
    return f"A framing that fits: {fit.text} (it cuts the {size:,} bytes received into {frames})"


def _misfit(seen: Seen) -> str:
    """Return what is wrong with a framing, as a half sentence."""
    framing, rest = getattr(seen.framing, "frames", seen.framing), seen.rest
    if isinstance(framing, Delimiter):
        return f"no {quoted(framing.mark)} in the {_bytes(rest)} that arrived"
    if isinstance(framing, Marks) and not seen.broken:
        return f"no {quoted(framing.end)} in the {_bytes(rest)} that arrived"
    if isinstance(framing, LengthField | LengthPrefixed | Varint) and not seen.broken:
        located = framing.locate(rest, 0)
        if located is None:
            return f"{_bytes(rest)} arrived, which is less than its header"
        return (
            f"the length in {_header(framing, rest)} says {located[1]:,} bytes with its header, {len(rest):,} arrived"
        )
    return seen.broken or f"{_bytes(rest)} arrived that are no whole message"


def _header(framing: LengthField | LengthPrefixed | Varint, rest: bytes) -> str:
    start = getattr(framing, "offset", 0)
    size = getattr(framing, "size", 1)
    return rest[start : start + size].hex(" ")


def _bytes(data: bytes) -> str:
    return "1 byte" if len(data) == 1 else f"{len(data):,} bytes"
