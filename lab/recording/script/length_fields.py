"""The length that a binary message has of itself, and how a conversation writes it: `{length:u2}`. Pure.

What the length counts stands between {<} and {>}: it may count itself and what stands before it, or leave out the last
bytes. So values in the message may have any number of bytes.
"""

import re
from dataclasses import dataclass

from lab.recording.messages.frames import is_text
from lab.recording.messages.secrets import MARK
from lab.recording.script.differences import Varied
from rawsocket.errors import RawSocketError
from rawsocket.wire.framing import Framing, LengthField, Varint

WRITTEN = (1, 2, 4, 8)  # sizes that there is a format for
# PostgreSQL's first message has no type, so it is no frame of the others: its length begins it and counts itself.
FIRST = LengthField(0, 4, "big", -4)
_HEAD = re.compile(rb"[^\n]*[ \t]([1-9]\d*)\r?\n")


@dataclass(frozen=True)
class Announcement:
    """A length of `size` bytes at `at`, as `value`. It counts from `begin` on, without the last `behind` bytes.

    `gap`: so many bytes between the length and what it counts, as the end of a line has.
    """

    at: int
    size: int
    value: str
    begin: int
    behind: int = 0
    gap: int = 0

    def apart(self, message: bytes) -> tuple[bytes, bytes]:
        """Return what stands before the length and what follows it."""
        return message[: self.at], message[self.at + self.size :]

    def joined(self, head: Varied, rest: Varied) -> Varied | None:
        """Return a message with the value between both, and the marks that say what it counts; None: it can't be."""
        if self.begin <= self.at:
            opened = ["{<}", *head] if self.begin < self.at else [*head, "{<}"]
            return [*opened, self.value, *rest, "{>}"]
        if not self.behind and not self.gap:
            return [*head, self.value, *rest]
        counted, before, after = list(rest), b"", b""
        if self.gap:
            if not (counted and isinstance(first := counted[0], bytes) and len(first) >= self.gap):
                return None
            before, counted[0] = first[: self.gap], first[self.gap :]
        if self.behind:
            if not (counted and isinstance(last := counted[-1], bytes) and len(last) >= self.behind):
                return None
            counted[-1], after = last[: -self.behind], last[-self.behind :]
        pieces = [*head, self.value, before, "{<}", *counted, "{>}", after]
        return [each for each in pieces if each != b""]


def announcement(framing: Framing, message: bytes) -> Announcement | None:
    """Return the length that a message has of itself; None if it has none, or one that can't be written."""
    if isinstance(framing, Varint) and framing.offset and _is_frame(framing, message):
        size = next(count for count in range(1, 11) if not message[framing.offset + count - 1] & 0x80)
        return Announcement(framing.offset, size, "{length:varint}", framing.offset + size)
    if not isinstance(framing, LengthField):
        return None
    field = framing if _is_frame(framing, message) else FIRST
    if not _is_frame(field, message) or field.size not in WRITTEN:
        return None
    header = field.offset + field.size
    begin = field.adjust + (0 if field.includes_header else header)
    if begin < header and begin not in (0, field.offset):
        return None
    order = "le" if field.byteorder == "little" and field.size > 1 else ""
    value = f"{{length:u{field.size}{order}}}"
    return Announcement(field.offset, field.size, value, min(begin, header), max(0, begin - header))


def text_announcement(message: bytes) -> Announcement | None:
    """Return the length of all that follows the first line, if that line ends with it (memcached, NATS, beanstalkd)."""
    found = _HEAD.match(message)
    if found is None or not is_text(message):
        return None
    body = message[found.end() :]
    for end in (b"", b"\r\n", b"\n"):
        if body.endswith(end) and len(body) > len(end) and found[1] == b"%d" % (len(body) - len(end)):
            return Announcement(
                found.start(1), len(found[1]), "{length}", found.end(), len(end), found.end() - found.end(1)
            )
    return None


def with_inner_length(message: bytes, hidden: bytes) -> bytes:
    """Return a message, its secret hidden, in which 2 bytes say the length of the secret at its end (MQTT)."""
    start, mark, rest = hidden.rpartition(MARK)
    before = start.rpartition(MARK)[0]
    size = len(message) - len(before)
    if not mark or rest or int.from_bytes(before[-2:], "big") != size or len(before) < 2:
        return hidden
    return before[:-2] + MARK + b"length:u2" + MARK + hidden[len(before) :]


def _is_frame(framing: Varint | LengthField, message: bytes) -> bool:
    try:
        return framing.encode(message) == message
    except (ValueError, RawSocketError):
        return False
