"""What was recorded: the bytes of each connection with their times and directions. Pure.

It is kept below .lab/ as JSON, so that a second recording of the same dialogue can be compared with it. Bytes are text
there, one character from U+0000 to U+00FF for each byte.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby


@dataclass(frozen=True, slots=True)
class Piece:
    """The data of one read: `at` in seconds since the connection began; `sent`: by the client."""

    at: float
    sent: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection. `begun`: UTC seconds since 1970; `closed_by`: client, server, or "" if the recording ended."""

    begun: float
    pieces: tuple[Piece, ...]
    closed_by: str = ""

    def runs(self, sent: bool) -> list[bytes]:
        """Return what one side said each time before the other side spoke."""
        grouped = groupby(self.pieces, lambda piece: piece.sent)
        return [b"".join(piece.data for piece in pieces) for of, pieces in grouped if of is sent]

    def bursts(self, sent: bool, within: float | None) -> Iterator[list[Piece]]:
        """Yield what one side said at once: nothing came from the other side, and no pause was over `within` seconds.

        Without `within`, pauses don't matter.
        """
        group: list[Piece] = []
        for piece in self.pieces:
            apart = group and within is not None and piece.at - group[-1].at > within
            if group and (piece.sent is not sent or apart):
                yield group
                group = []
            if piece.sent is sent:
                group.append(piece)
        if group:
            yield group

    def stream(self, sent: bool) -> bytes:
        """Return all bytes of one direction."""
        return b"".join(piece.data for piece in self.pieces if piece.sent is sent)

    def without(self, secrets: Iterable[bytes]) -> "Connection":
        """Return it with stars in place of secrets; all lengths stay as they are."""
        hidden = {sent: _starred(self.stream(sent), secrets) for sent in (True, False)}
        at = {True: 0, False: 0}
        pieces = []
        for piece in self.pieces:
            begin = at[piece.sent]
            at[piece.sent] = begin + len(piece.data)
            pieces.append(replace(piece, data=hidden[piece.sent][begin : at[piece.sent]]))
        return replace(self, pieces=tuple(pieces))


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one or more recordings have brought. `target`: the server, as tcp://host:port or tls://host:port."""

    target: str
    connections: tuple[Connection, ...]

    def to_json(self) -> str:
        """Return it as JSON."""
        return json.dumps({"target": self.target, "connections": [_plain(each) for each in self.connections]})

    @classmethod
    def from_json(cls, text: str) -> "Traffic":
        """Return what `to_json` wrote. Raises ValueError or KeyError for other text."""
        found = json.loads(text)
        return cls(found["target"], tuple(_read(each) for each in found["connections"]))


def _starred(stream: bytes, secrets: Iterable[bytes]) -> bytes:
    for secret in sorted(secrets, key=len, reverse=True):
        stream = stream.replace(secret, b"*" * len(secret))
    return stream


def _plain(connection: Connection) -> dict[str, object]:
    pieces = [[round(each.at, 6), each.sent, each.data.decode("latin-1")] for each in connection.pieces]
    return {"begun": connection.begun, "closed_by": connection.closed_by, "pieces": pieces}


def _read(found: Mapping[str, object]) -> Connection:
    return Connection(float(str(found["begun"])), tuple(_pieces(found["pieces"])), str(found["closed_by"]))


def _pieces(found: object) -> Iterator[Piece]:
    for at, sent, data in found if isinstance(found, list) else []:
        yield Piece(at, sent, data.encode("latin-1"))
