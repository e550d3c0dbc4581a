"""The length that a binary message has of itself, and how a conversation writes it: `{length:u2}`. Pure.

What the length counts stands between {<} and {>}: it may count itself and what stands before it, or leave out the last
bytes. So values in the message may have any number of bytes.
"""

from dataclasses import dataclass

from lab.recording.messages.secrets import MARK
from lab.recording.script.differences import Hole, Varied
from rawsocket.wire.framing import Framing, LengthField, Varint

WRITTEN = (1, 2, 4, 8)  # sizes that there is a format for
# PostgreSQL's first message has no type, so it is no frame of the others: its length begins it and counts itself.
FIRST = LengthField(0, 4, "big", -4)


@dataclass(frozen=True)
class Announcement:
    """A length of `size` bytes at `at`, as `value`. It counts from `begin` on, without the last `behind` bytes."""

    at: int
    size: int
    value: str
    begin: int
    behind: int = 0

    def removed(self, message: bytes) -> bytes:
        """Return a message without its length."""
        return message[: self.at] + message[self.at + self.size :]

    def inserted(self, part: Varied) -> Varied:
        """Return a message with the value in place of its length, and the marks that say what it counts."""
        found: Varied = []
        at = 0
        for each in part:
            size = len(each.first if isinstance(each, Hole) else each)
            if isinstance(each, bytes) and at <= self.at <= at + size:
                found += self._with_value(each, at)
            else:
                found.append(each)
            at += size
        return self._closed([each for each in found if each != b""])

    def _with_value(self, data: bytes, begin: int) -> Varied:
        before, after = data[: self.at - begin], data[self.at - begin :]
        if self.begin <= self.at:
            opened = max(0, self.begin - begin)
            return [before[:opened], "{<}", before[opened:], self.value, after]
        return [before, self.value, "{<}", after] if self.behind else [before, self.value, after]

    def _closed(self, found: Varied) -> Varied:
        if "{<}" not in found:
            return found
        last = found[-1]
        if not self.behind or not isinstance(last, bytes):
            return [*found, "{>}"]
        return [*found[:-1], last[: -self.behind], "{>}", last[-self.behind :]]


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
    if begin < 0 or field.offset < begin < header:
        return None
    order = "le" if field.byteorder == "little" and field.size > 1 else ""
    value = f"{{length:u{field.size}{order}}}"
    return Announcement(field.offset, field.size, value, min(begin, header), max(0, begin - header))


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
    except ValueError:
        return False
