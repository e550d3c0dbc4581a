"""Recorded connections, written by hand: who said what, and after which pause."""

from random import Random

from lab.recording.script.build import compose
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


FRAGMENTS = (
    *(b"GET ", b"AUTH ", b"PASS ", b"QUIT", b" ", b"\r\n", b"\n", b"{", b"}", b"'", b'"', b"\\", b"# x", b"- ", b": "),
    *(b"$5\r\n", b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", b"+OK\r\n", b"334 ", b"250-a\r\n250 b\r\n", b"null", b"0"),
    *(b"\0", b"\0\5", b"\xff\xfe", b"\x0b", b"\x1c\r", b"\x85", "\u20ac\u2028\ufeff".encode(), b"user1", b"abc123"),
    *(b"\x10\x0c\0\4MQTT\4\2\0\x3c\0\0", b"p\0\0\0\x09pass\0", b"set k1 0 0 2\r\nhi\r\n", b"1795832389"),
    *(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
        b"VALUE a 0 2\r\nhi\r\nEND\r\n",
        b"Authorization: Basic abcd\r\n",
    ),
)


def made_up(random: Random) -> list[Connection]:
    """Return up to three connections with the same dialogue, made of pieces of protocols; bytes of some are changed."""
    said = [
        (
            random.choice("cs"),
            b"".join(random.choices(FRAGMENTS, k=random.randint(1, 5))),
            random.choice((0.0, 0.02, 0.3)),
        )
        for _ in range(random.randint(1, 6))
    ]
    return [
        talk(*[(who, _changed(data, random), pause) for _ in range(random.randint(1, 3)) for who, data, pause in said])
        for _ in range(random.randint(1, 3))
    ]


def _changed(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((0, 0, 1, 2))):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


__all__ = ["BEGUN", "made_up", "rounds", "talk", "text_of"]
