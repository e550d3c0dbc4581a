"""Cuts a connection into messages and replies. Pure.

Rules:

- What the client sends without a pause and without an answer in between is one message, unless the framing cuts it.
- A frame of the server belongs to the message before it. After an answered message, silence of QUIET_S ends the reply:
  what comes later, the server has sent by itself (a push), as is what comes before the first message (a greeting).
- The time of a message is that of the read that completed it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.recording.messages.frames import Both
from lab.recording.traffic import Connection, Piece
from rawsocket.errors import RawSocketError
from rawsocket.wire.framing import Decoder, Delimiter

QUIET_S = 0.2
TOGETHER_S = 0.005  # data that a client writes within so many seconds is one message
SSL_REQUESTS = (b"\0\0\0\x08\x04\xd2\x16\x2f", b"\0\0\0\x08\x04\xd2\x16\x30")


@dataclass(slots=True)
class Exchange:
    """One step: a message and what answers it; or, without a message, what the server has sent by itself.

    Times are seconds since the connection began. `pause`: between what came before and this step.
    """

    message: bytes | None
    at: float
    replies: list[bytes] = field(default_factory=list)
    ended: float = 0.0
    pause: float = 0.0


@dataclass(slots=True)
class Dialogue:
    """One connection as a list of steps. `unfinished`: bytes of a message that was not complete at the end."""

    exchanges: list[Exchange]
    closed_by: str = ""
    unfinished: int = 0


def cut(connection: Connection, framing: Both) -> Dialogue:
    """Return the steps of a connection. A framing that does not fit leaves the rest `unfinished`."""
    exchanges: list[Exchange] = []
    received = framing.receive.framing.decoder()
    messages = _Messages(framing)
    for group in _said(connection, framing.receive.framing.gap):
        at = group[-1].at
        data = b"".join(piece.data for piece in group)
        if group[0].sent:
            exchanges += [Exchange(message, at, ended=at) for message in messages.cut(data)]
            continue
        for piece in group:
            for frame in _frames(received, piece.data):
                _answer(exchanges, frame, piece.at)
        for frame in received.gap():
            _answer(exchanges, frame, at)
    for frame in received.end():
        _answer(exchanges, frame, connection.pieces[-1].at)
    _set_pauses(exchanges)
    return Dialogue(exchanges, connection.closed_by, received.pending + messages.pending)


def without_encryption_request(connection: Connection) -> Connection:
    """Return a connection without PostgreSQL's question for encryption, if the server has declined it with one byte."""
    pieces = list(connection.pieces)
    while len(pieces) > 1 and pieces[0].data in SSL_REQUESTS and pieces[1].data == b"N":
        del pieces[:2]
    return Connection(connection.begun, tuple(pieces), connection.closed_by)


class _Messages:
    """Cuts what the client sends."""

    def __init__(self, framing: Both) -> None:
        one = framing.one and framing.send.framing
        self._mark = one.mark if isinstance(one, Delimiter) else b""
        self._decoder = framing.send.framing.decoder()

    @property
    def pending(self) -> int:
        return self._decoder.pending

    def cut(self, data: bytes) -> list[bytes]:
        """Return the messages in what was sent at once."""
        if self._mark and data.endswith(self._mark):
            return [data.removesuffix(self._mark)]
        return list(_frames(self._decoder, data))


def _frames(decoder: Decoder, data: bytes) -> Iterator[bytes]:
    try:
        yield from decoder.feed(data)
    except RawSocketError:
        return


def _said(connection: Connection, gap: float | None) -> list[list[Piece]]:
    """Return what one side has said at once: the client without a pause, the server without one of its framing."""
    sides = [*connection.bursts(True, TOGETHER_S), *connection.bursts(False, gap)]
    order = {id(piece): at for at, piece in enumerate(connection.pieces)}
    return sorted(sides, key=lambda burst: order[id(burst[0])])


def _answer(exchanges: list[Exchange], frame: bytes, at: float) -> None:
    """Add a frame to the step that it belongs to."""
    last = exchanges[-1] if exchanges else None
    if last is None or (last.replies and at - last.ended > QUIET_S):
        exchanges.append(last := Exchange(None, at))
    last.replies.append(frame)
    last.ended = at


def _set_pauses(exchanges: list[Exchange]) -> None:
    before = 0.0
    for each in exchanges:
        each.pause = max(0.0, each.at - before) if each.message is not None else 0.0
        before = max(before, each.ended)
