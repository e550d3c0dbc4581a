"""The wire format, pure: bytes in, messages out; a message in, its reply out.

Strategy: a server has one reply function, which answers a whole message. Most of the time one recv brings whole
messages and nothing else: an answer function turns those into replies without keeping anything. Otherwise a decoder
keeps the unfinished message. Nothing here uses a socket, clock, thread or logger, so tests can feed every case whole,
byte by byte and with a tail left over. Rules:

- line framing: a message goes up to "\\n"; a "\\r" before that is part of the message. Its reply ends with "\\n".
- chunk framing: whatever one recv brings is a message, as in the tutorial. Its reply has no ending.
- Errors are lines in both framings.
- A decoder never holds more than `limit` bytes of one message plus what came with it: it raises `TooLong` instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

GREETING = b"Hello from server!"
NEWLINE = ord("\n")

SERVER_FULL = b"ERR server full\n"
TOO_LONG = b"ERR message too long\n"
TIMED_OUT = b"ERR message timeout\n"

#: Takes one message, returns its reply with its ending.
Reply = Callable[[bytes], bytes]

#: Takes what one recv brought; returns the number of messages and their replies, None if it isn't whole messages only.
Answer = Callable[[bytes], tuple[int, bytes] | None]


class TooLong(Exception):
    """A message is longer than the limit. `messages` are the whole ones before it, which still get their replies."""

    def __init__(self, messages: list[bytes]) -> None:
        super().__init__("message too long")
        self.messages = messages


class Decoder(Protocol):
    """Finds messages in a stream. `inbox` holds the unfinished message; it is the same object for ever."""

    inbox: bytearray

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that `data` completes, without their framing."""
        ...


class LineDecoder:
    """Messages end with a newline. `limit` is the longest message in bytes, without that newline."""

    __slots__ = ("inbox", "limit")

    def __init__(self, limit: int) -> None:
        self.inbox = bytearray()
        self.limit = limit

    def feed(self, data: bytes) -> list[bytes]:
        """Return the completed messages; raise `TooLong` once, after which no more may be fed."""
        inbox = self.inbox
        messages = data.split(b"\n")
        tail = messages.pop()
        if inbox:
            # Only the new bytes are searched and copied: a byte-by-byte sender costs linear time, not quadratic.
            if not messages:
                inbox += tail
                return self._within_limit(messages)
            inbox += messages[0]
            messages[0] = bytes(inbox)
            inbox.clear()
        if tail:
            inbox += tail
        if messages and len(messages[0]) <= self.limit >= len(data):
            return messages  # None can be too long, so the usual case does not check each of them.
        return self._within_limit(messages)

    def _within_limit(self, messages: list[bytes]) -> list[bytes]:
        for position, message in enumerate(messages):
            if len(message) > self.limit:
                self.inbox.clear()
                raise TooLong(messages[:position])
        if len(self.inbox) > self.limit:
            self.inbox.clear()
            raise TooLong(messages)
        return messages


class ChunkDecoder:
    """Whatever one recv brings is a message, so none is ever unfinished, and none is longer than that recv."""

    __slots__ = ("inbox",)

    def __init__(self) -> None:
        self.inbox = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return `data` as the only message."""
        return [data]


@dataclass(frozen=True, slots=True)
class Wire:
    """The wire format of one server.

    `answer` handles input that is whole messages; a decoder from `new_decoder` and `reply` handle any other. The first
    recv asks for `first_size` bytes; one that it filled is followed by one of `receive_size`.
    """

    reply: Reply
    answer: Answer
    new_decoder: Callable[[], Decoder]
    first_size: int
    receive_size: int


def decoder_for(framing: str, limit: int) -> Callable[[], Decoder]:
    """Return a factory of decoders; `framing` is `line` or `chunk`, `limit` is in bytes."""
    if framing == "chunk":
        shared = ChunkDecoder()  # It has no state.
        return lambda: shared
    return lambda: LineDecoder(limit)


def reply_for(app: str, framing: str, burn: Callable[[], None]) -> Reply:
    """Return the reply function of `app` (`hello`, `echo`, `work`); `work` calls `burn` first."""
    end = b"" if framing == "chunk" else b"\n"
    if app == "hello":
        greeting = GREETING + end
        return lambda message: greeting
    if app == "work":
        return _work_reply(end, burn)
    return (lambda message: message + end) if end else (lambda message: message)


def _work_reply(end: bytes, burn: Callable[[], None]) -> Reply:
    def reply(message: bytes) -> bytes:
        burn()
        return message + end

    return reply


def answer_for(framing: str, limit: int, reply: Reply, verbatim: bool = False) -> Answer:
    """Return the answer function of a server with this framing, message limit in bytes, and reply function.

    `verbatim`: a message with its newline is its own reply, so the input need not be split.
    """
    if framing == "chunk":
        return lambda data: (1, reply(data)) if data else None

    def answer(data: bytes) -> tuple[int, bytes] | None:
        messages = data.split(b"\n")
        if messages.pop() or not messages or len(data) > limit:
            return None
        if len(messages) == 1:
            return 1, reply(messages[0])
        return len(messages), b"".join(map(reply, messages))

    def copy(data: bytes) -> tuple[int, bytes] | None:
        if data and data[-1] == NEWLINE and len(data) <= limit:
            return data.count(b"\n"), data
        return None

    return copy if verbatim else answer
