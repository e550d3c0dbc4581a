"""Ways in which a network can cut a stream, for tests of a decoder."""

from collections.abc import Callable, Iterable

from rawsocket.wire.framing import Decoder


def feed(decoder: Decoder, pieces: Iterable[bytes]) -> list[bytes]:
    return [message for piece in pieces for message in decoder.feed(piece)]


def whole(stream: bytes) -> list[bytes]:
    return [stream]


def byte_by_byte(stream: bytes) -> list[bytes]:
    return [stream[at : at + 1] for at in range(len(stream))]


def in_threes(stream: bytes) -> list[bytes]:
    return [stream[at : at + 3] for at in range(0, len(stream), 3)]


CUTS: tuple[Callable[[bytes], list[bytes]], ...] = (whole, byte_by_byte, in_threes)
