"""Recorded connections, written by hand: who said what, and after which pause."""

from lab.recording.script.compose import compose
from lab.recording.script.yaml_text import conversation
from lab.recording.traffic import Connection, Piece, Traffic

BEGUN = 1_795_832_389.0  # seconds since 1970, as 2026 has them
LATENCY_S = 0.001


def talk(*said: tuple[str, bytes] | tuple[str, bytes, float], closed_by: str = "client") -> Connection:
    """Return a connection: `("c", data)` is said by the client, `("s", data)` by the server, 1 ms later each.

    A third value is a pause before it, in seconds.
    """
    at = 0.0
    pieces = []
    for who, data, *pause in said:
        at += LATENCY_S + (pause[0] if pause else 0.0)
        pieces.append(Piece(at, who == "c", data))
    return Connection(BEGUN, tuple(pieces), closed_by)


def rounds(
    *said: tuple[str, str] | tuple[str, str, float], number: int = 3, every: float = 0.5
) -> list[tuple[str, bytes, float]]:
    """Return so many rounds, each begun `every` seconds after the one before; `#` is replaced by the round's number."""
    pauses = [each[2] if len(each) == 3 else 0.0 for each in said]
    length = sum(pauses[1:]) + LATENCY_S * (len(said) - 1)
    found = []
    for at in range(number):
        between = every - length - LATENCY_S if at else 0.0
        for (who, text, *_), pause in zip(said, [between, *pauses[1:]], strict=True):
            found.append((who, text.replace("#", str(at)).encode(), pause))
    return found


def text_of(*connections: Connection, name: str = "mine") -> str:
    """Return the file of a conversation that was recorded on these connections."""
    return conversation(compose(Traffic("tcp://127.0.0.1:9000", connections)), name)


__all__ = ["BEGUN", "rounds", "talk", "text_of"]
