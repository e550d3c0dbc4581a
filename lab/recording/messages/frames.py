"""A framing and how it is written, and whether it fits recorded bytes. Pure.

A candidate fits if its decoder takes all bytes of every connection and nearly every time that the other side speaks, no
frame is unfinished: a side that waits for an answer has said all it had to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rawsocket.errors import RawSocketError
from rawsocket.wire.framing import MAX_SIZE, Framing

# What each side said before the other did, for each connection.
Runs = Sequence[Sequence[bytes]]
ENOUGH = 0.9  # of the runs end with a frame; the others were read in the middle of one
TEXT = bytes({*range(32, 127), *b"\t\r\n\x1b"})


@dataclass(frozen=True, slots=True)
class Found:
    """A framing and how it is written in a conversation. `note`: why it was chosen, where that isn't certain."""

    written: str
    framing: Framing
    note: str = ""


@dataclass(frozen=True, slots=True)
class Both:
    """The framings of both directions. `one`: the file has only that of the replies, which is that of messages, too."""

    send: Found
    receive: Found
    one: bool = False

    @property
    def written(self) -> str:
        """It as it stands in the file."""
        if self.one:
            return self.receive.written
        return f"{{send: {self.send.written}, receive: {self.receive.written}}}"


def fits(framing: Framing, of: Runs) -> bool:
    """Whether all these bytes are frames, and nearly every run ends with one."""
    ends = runs = frames = 0
    for connection in of:
        decoder = framing.decoder()
        for run in connection:
            try:
                frames += len(decoder.feed(run))
                if decoder.pending:
                    frames += len(decoder.feed(b""))
            except RawSocketError:
                return False
            runs += 1
            ends += not decoder.pending
    return bool(frames) and ends >= ENOUGH * runs


def same(framing: Framing, of: Runs) -> bool:
    """Whether these bytes are frames, exactly as the framing writes them, and none is empty: none could be written."""
    if not fits(framing, of):
        return False
    for connection in of:
        decoder, stream = framing.decoder(), b"".join(connection)
        try:
            frames = decoder.feed(stream)
            again = b"".join(framing.encode(frame) for frame in frames)
        except (RawSocketError, ValueError):
            return False
        if b"" in frames or again != stream[: len(stream) - decoder.pending]:
            return False
    return True


def whole_frames(framing: Framing, data: bytes) -> list[bytes]:
    """Return the frames of some bytes; [] if bytes are left over, or it is not this framing."""
    decoder = framing.decoder()
    try:
        found = decoder.feed(data)
    except RawSocketError:
        return []
    return [] if decoder.pending else found


def is_text(data: bytes) -> bool:
    """Whether nearly all bytes are printable."""
    start = data[:MAX_SIZE]
    return len(start.translate(None, TEXT)) <= len(start) // 50


def joined(of: Runs) -> bytes:
    """Return all bytes."""
    return b"".join(run for connection in of for run in connection)
