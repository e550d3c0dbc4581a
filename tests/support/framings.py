"""All framings by kind, the messages that each can carry, and what a decoder makes of a stream."""

from collections.abc import Callable, Iterable

from hypothesis import strategies as st

from rawsocket.conversation.framings import FollowedBy
from rawsocket.conversation.plan import More
from rawsocket.errors import RawSocketError, Wrong
from rawsocket.wire.framing import (
    Decoder,
    Delimiter,
    Fixed,
    Framing,
    IdleGap,
    LengthField,
    LengthInText,
    LengthPrefixed,
    Line,
    Marks,
    UntilClosed,
    UntilPattern,
    Varint,
)

MODBUS = LengthField(offset=4, size=2)
POSTGRES = LengthField(offset=1, size=4, adjust=-4)
MEMCACHED = LengthField(offset=8, size=4, adjust=12)
MYSQL = LengthField(size=3, byteorder="little", adjust=1)
BGP = LengthField(offset=16, size=2, includes_header=True)
MQTT = Varint(offset=1)
PROTOBUF = Varint()
MLLP = Marks(b"\x0b", b"\x1c\r")
HTTP = LengthInText(b"\r\n\r\n", rb"(?i)\ncontent-length: *(\d+)\r")
NATS = LengthInText(b"\r\n", rb"^MSG .* (\d+)\r", b"\r\n")
REDIS = LengthInText(b"\r\n", rb"^\$(\d+)", b"\r\n")
PROMPT = UntilPattern(rb"[$#>] ")
BULK = FollowedBy(Delimiter(b"\r\n"), (More(rb"^\$(?P<len>\d+)$", "len", 2), More(rb"^b", "", 3)))
BODY = FollowedBy(UntilPattern(rb"\n\n"), (More(rb"(?m)^\$(?P<n>\w+)$", "n", 0),))

#: Framings that find the messages of a stream in it, whatever its pieces are.
FRAMINGS: dict[str, list[Framing]] = {
    "Line": [Line()],
    "Delimiter": [Delimiter(b"\0"), Delimiter(b"\r\n"), Delimiter(b"--\r\n--"), Delimiter(b"aba")],
    "Fixed": [Fixed(5), Fixed(1)],
    "LengthPrefixed": [
        LengthPrefixed(size, order, counts)
        for size in (1, 2, 4, 8)
        for order in ("big", "little")
        for counts in (False, True)
    ],
    "LengthField": [MODBUS, POSTGRES, MEMCACHED, MYSQL, BGP, LengthField(size=1), LengthField(7, 8, "little", 1, True)],
    "Varint": [MQTT, PROTOBUF, Varint(offset=3)],
    "Marks": [MLLP, Marks(b"\2", b"\3"), Marks(b"<<", b">>"), Marks(b"aab", b"aba", skip_between=True)],
    "LengthInText": [HTTP, NATS, REDIS, LengthInText(b"|", rb"(?:a([0-9b]+))?")],
    "FollowedBy": [BULK, BODY],
    "UntilPattern": [PROMPT, UntilPattern(rb"\r\n|\n\n"), UntilPattern(rb"ba+$")],
}
#: Messages with a body, by the pattern that finds its length.
HEADS: dict[bytes, Callable[[bytes], bytes]] = {
    HTTP.pattern: lambda body: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body),
    NATS.pattern: lambda body: b"MSG a 1 %d\r\n%s\r\n" % (len(body), body) if body else b"PING\r\n",
    REDIS.pattern: lambda body: b"$%d\r\n%s\r\n" % (len(body), body),
    rb"(?:a([0-9b]+))?": lambda body: b"a%d|%s" % (len(body), body),
}
#: Messages that raw bytes belong to.
FOLLOWED: dict[FollowedBy, list[bytes]] = {
    BULK: [b"$0\r\n\r\n", b"$3\r\n\r\n\r\n\r", b"$300\r\n" + b"b\r\n" * 100 + b"\r\n", b"b\r\nb\r\n"],
    BODY: [b"$0\n\n", b"\n$1\n\n\n", b"a\n$4\n\n\n\n$1"],
}
ENDINGS = {rb"[$#>] ": b"$ ", rb"\n\n": b"\n\n", rb"\r\n|\n\n": b"\n\n", rb"ba+$": b"ba"}
#: Framings in which the end of the stream completes the only message.
UNFRAMED: dict[str, list[Framing]] = {"UntilClosed": [UntilClosed()], "IdleGap": [IdleGap(0.5)]}
ALL: dict[str, list[Framing]] = FRAMINGS | UNFRAMED


def messages(framing: Framing) -> st.SearchStrategy[bytes]:
    """Messages that the framing can carry, empty ones as well where it has them."""
    if isinstance(framing, Fixed):
        return st.binary(min_size=framing.size, max_size=framing.size)
    if isinstance(framing, LengthField):
        head = st.binary(min_size=framing.offset, max_size=framing.offset)
        return st.builds(framing.frame, head, st.binary(min_size=max(0, framing.adjust), max_size=150))
    if isinstance(framing, Varint) and framing.offset:
        head = st.binary(min_size=framing.offset, max_size=framing.offset)
        return st.builds(framing.frame, head, st.binary(max_size=150))
    if isinstance(framing, LengthInText):
        return st.builds(HEADS[framing.pattern], st.binary(max_size=150))
    if isinstance(framing, FollowedBy):
        found = messages(framing.frames).filter(lambda message: _comes_back(framing, message))
        return found | st.sampled_from(FOLLOWED[framing])
    if isinstance(framing, UntilPattern):
        return noise(framing, 0).map(lambda start: framing.decoder().feed(start + ENDINGS[framing.pattern])[0])
    return noise(framing, 0).filter(lambda message: _can_carry(framing, message))


def _can_carry(framing: Framing, message: bytes) -> bool:
    try:
        return bool(framing.encode(message))
    except ValueError:
        return False


def _comes_back(framing: Framing, message: bytes) -> bool:
    """Whether it is one whole message: a wrong length in it is refused, and raw bytes may have to follow."""
    try:
        return framing.decoder().feed(framing.encode(message)) == [message]
    except Wrong:
        return False


def noise(framing: Framing, least: int) -> st.SearchStrategy[bytes]:
    """Any bytes, most of them such that mean something in the framing."""
    alphabet = {
        Line: b"a\r\n",
        Delimiter: b"ab-\r\n\0",
        Marks: b"ab<>\x0b\x1c\r\2\3",
        UntilPattern: b"ab$ \r\n",
        LengthField: bytes(range(24)),
        LengthInText: b"$a0129b\r\n|",
        FollowedBy: b"$ab01\r\n",
        LengthPrefixed: bytes(range(10)),
        Varint: b"\0\1\2\x80\xff",
    }.get(type(framing), b"ab")
    some = st.lists(st.sampled_from(alphabet), min_size=least, max_size=40).map(bytes)
    return some | st.binary(min_size=least, max_size=80)


def pieces(stream: bytes) -> st.SearchStrategy[list[bytes]]:
    """Ways to cut a stream, also into empty pieces."""
    places = st.lists(st.integers(0, len(stream)), max_size=12).map(sorted)
    return places.map(
        lambda cuts: [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    ) | st.just([stream[at : at + 1] for at in range(len(stream))])


def decoded(framing: Framing, parts: Iterable[bytes]) -> list[bytes | type[RawSocketError]]:
    """The messages of a stream; the failure that it raised, if any, is the last item."""
    return decoded_by(framing.decoder(), parts)


def decoded_by(decoder: Decoder, parts: Iterable[bytes]) -> list[bytes | type[RawSocketError]]:
    """The same with a decoder of the caller's, fed as the receive buffer feeds it."""
    found: list[bytes | type[RawSocketError]] = []
    try:
        for part in parts:
            here = decoder.feed(part)
            found += here
            if here and decoder.pending:
                decoder.feed(b"")  # the next message may have failed already
        found += decoder.end()
    except RawSocketError as failure:
        found.append(type(failure))
    return found
