"""The pure code of both wire formats under streams of any kind: the server's decoder, and all framings of the client.

The server's decoder is compared with the definition (inputs.py), in any pieces; its shortcut for whole messages with
its decoder. A framing of the client must find the same messages, or the same named failure, in any pieces of a stream.
"""

import random
from collections.abc import Callable
from time import monotonic

from server import protocol
from tests.fuzz.inputs import LIMIT, Inputs, expected
from tests.fuzz.tally import Failed, Tally
from tests.support.framings import ALL, decoded

ROUND = 2000
FRAMINGS = [framing for kind in ALL.values() for framing in kind]


def fuzz(count: int, seed: int, until: float, tell: Callable[[Tally], None] = lambda tally: None) -> Tally:
    """Decode `count` streams, or as many as there is time for; raises Failed."""
    inputs, tally = Inputs(seed), Tally()
    while tally.inputs < count and monotonic() < until:
        for _ in range(min(ROUND, count - tally.inputs)):
            stream = b"".join(inputs.stream(4))
            server(stream, inputs.cut(stream))
            client(stream, inputs.cut(stream), inputs.random)
            tally.inputs += 1
        tell(tally)
    return tally


def server(stream: bytes, pieces: list[bytes]) -> None:
    """Check the server's decoder, and its answer to whole messages."""
    must = expected(stream)
    decoder, found, too_long = protocol.LineDecoder(LIMIT), [], False
    try:
        for piece in pieces:
            found += decoder.feed(piece)
    except protocol.TooLong as error:
        found, too_long = [*found, *error.messages], True
    if (found, too_long, bool(decoder.inbox)) != (must.messages, must.too_long, must.unfinished):
        raise Failed(f"LineDecoder finds {found!r} (too long: {too_long}) in {pieces!r}")
    for verbatim in (False, True):
        reply = protocol.reply_for("echo", "line", lambda: None)
        answer = protocol.answer_for("line", LIMIT, reply, verbatim)(stream)
        if answer is not None and answer != (len(must.messages), must.replies):
            raise Failed(f"answer_for gives {answer!r} to {stream!r}")


def client(stream: bytes, pieces: list[bytes], draw: random.Random) -> None:
    """Check one of the client's framings."""
    framing = draw.choice(FRAMINGS)
    try:
        whole, cut = decoded(framing, [stream]), decoded(framing, pieces)
    except Exception as error:
        raise Failed(f"{framing} raises {type(error).__name__} for {pieces!r}") from error
    if whole != cut:
        raise Failed(f"{framing} finds {whole!r} in {stream!r} and {cut!r} in {pieces!r}")
