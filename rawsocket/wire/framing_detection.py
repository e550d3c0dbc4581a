r"""Which framings fit the bytes of a connection: they cut all of them into frames, and nothing is left over. Pure.

Strategy: candidates are tried with their real decoders. A candidate that fits gets points, in bits: how unlikely it is
that a wrong framing cuts these bytes as well, minus how particular the framing is. A delimiter earns its own size at
the end of each turn; a length earns that frames end exactly where a turn does.

A *turn* is what one side sends before the other side sends something: a frame usually ends with it.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rawsocket.errors import RawSocketError
from rawsocket.wire.framing import Chunk, Delimiter, Framing, Framings, Marks
from rawsocket.wire.framing_candidates import Candidate, by_length, by_mark, by_text, unframed
from rawsocket.wire.framing_words import written

MOST_TURNS = 200  # that are looked at, for each direction
MOST_BYTES = 262_144
MISALIGNED = 4.0  # points lost by a turn whose end is no end of a frame
MOST_BITS = 32.0  # of a turn
EXTRA = 0.5  # points lost by a frame that doesn't end a turn: the fewer frames explain the bytes, the better
EMPTY = 2.0  # and by an empty frame: a length of 0 says nothing


@dataclass(frozen=True, slots=True)
class Fit:
    """A framing that fits. `sent` and `received`: the numbers of frames; `points`: see the module."""

    framing: Framing
    sent: int
    received: int
    points: float

    @property
    def text(self) -> str:
        """The framing as a conversation's file writes it."""
        return written(self.framing)


def fitting(received: Sequence[bytes], sent: Sequence[bytes] = (), closed: bool = False, most: int = 5) -> list[Fit]:
    """Return the framings that cut the turns of both directions completely, the best one first, `most` at most.

    Each item of `received` and `sent` is one turn. `closed`: the server has closed the connection after the last byte.
    If no framing fits both directions, pairs are suggested: `Framings(send, receive)`. A pause fits any bytes: IdleGap
    is the last one, and alone if nothing else fits. Without received bytes there is nothing to suggest.
    """
    received, sent = _few(received), _few(sent)
    if not received:
        return []
    both = [_fit(each, sent, received) for each in _candidates([*received, *sent])]
    found = _best(each for each in both if each is not None)
    if not found and sent:
        found = _pairs(received, sent)
    weak = [Fit(each, len(sent), len(received), -math.inf) for each in unframed(len(received), closed)]
    return [*found[: max(0, most - len(weak))], *weak]


def _few(turns: Sequence[bytes]) -> list[bytes]:
    few: list[bytes] = []
    for turn in (turn for turn in turns if turn):
        if few and (len(few) == MOST_TURNS or sum(map(len, few)) + len(turn) > MOST_BYTES):
            break
        few.append(turn)
    return few


def _candidates(turns: Sequence[bytes]) -> Iterator[Candidate]:
    yield from by_mark(turns)
    yield from by_text()
    yield from by_length(turns)


def _best(fits: Iterable[Fit]) -> list[Fit]:
    """Return the fits with points, best first, each framing once."""
    best: dict[str, Fit] = {}
    for each in sorted(fits, key=lambda fit: -fit.points):
        if each.points > 0:
            best.setdefault(each.text, each)
    return list(best.values())


def _pairs(received: Sequence[bytes], sent: Sequence[bytes]) -> list[Fit]:
    """Return fits of what was received, each with the best one of what was sent."""
    receives = _best(fit for each in _candidates(received) if (fit := _fit(each, (), received)))
    sends = _best(fit for each in _candidates(sent) if (fit := _fit(each, (), sent)))
    send = sends[0] if sends else Fit(Chunk(), 0, len(sent), 0.0)
    return [
        Fit(Framings(send.framing, each.framing), send.received, each.received, each.points + send.points)
        for each in receives
    ]


def _fit(candidate: Candidate, sent: Sequence[bytes], received: Sequence[bytes]) -> Fit | None:
    """Return how a candidate fits both directions; None if it doesn't."""
    frames, points = [], -candidate.cost
    for turns in (sent, received):
        found = _cut(candidate.framing, turns)
        if found is None or (candidate.alone and found[0] != len(turns)):
            return None
        frames.append(found[0])
        points += found[1]
    return Fit(candidate.framing, frames[0], frames[1], points)


def _cut(framing: Framing, turns: Sequence[bytes]) -> tuple[int, float] | None:
    """Return the number of frames and the points; None if bytes are left over or can't be of this framing."""
    decoder, count, points = framing.decoder(), 0, 0.0
    for turn in turns:
        try:
            frames = decoder.feed(turn)
            if decoder.pending:
                decoder.feed(b"")  # a frame over the limit shows itself only now
        except RawSocketError:
            return None
        count += len(frames)
        points += _points(framing, turn, frames, aligned=not decoder.pending)
    return None if decoder.pending else (count, points)


def _points(framing: Framing, turn: bytes, frames: Sequence[bytes], aligned: bool) -> float:
    """Return what the frames of a turn say for a framing."""
    if isinstance(framing, Delimiter | Marks):
        mark = framing.mark if isinstance(framing, Delimiter) else framing.start + framing.end
        return min(MOST_BITS, 8.0 * len(mark)) if aligned else -MISALIGNED
    lost = EXTRA * max(0, len(frames) - 1) + EMPTY * frames.count(b"")
    return (math.log2(len(turn) + 1) if aligned else -MISALIGNED) - lost
