r"""Makes what is expected of a reply: exactly its text where it is short and stable, else what it begins with. Pure.

Strategy: replies at the same place are compared. With a single one, what looks like a time, an address, an identifier
or a counter is taken for something that varies.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lab.recording.messages.frames import is_text
from lab.recording.messages.secrets import hidden
from lab.recording.script.differences import Hole, Key, Varied, compared
from lab.recording.script.templates import Secrets, Text, marked
from lab.recording.script.variables import Variables, size_of

LONG = 100  # bytes of a text that are not repeated exactly
LONG_BINARY = 40
_VOLATILE = re.compile(
    rb"\d\d:\d\d|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b|\d{4}-\d\d-\d\d|\b\d{5,}|\b(?=[a-zA-Z]*\d)(?=\d*[a-zA-Z])[A-Za-z0-9]{8,}|\b[0-9a-fA-F]{12,}\b|"
    rb"\b(?:[0-9a-fA-F]{8}-){1}|(?<=id=)\S+"
)
_NUMBER = re.compile(rb"([^A-Za-z0-9\r\n]{0,3})(-?\d+)(\r?\n?)")
_CODE = re.compile(rb"\d{3}[ -]")


@dataclass(frozen=True)
class Expectation:
    """What a frame must be, as the file says it. `kind`: exact, prefix, suffix, regex, hex or any."""

    kind: Literal["exact", "prefix", "suffix", "regex", "hex", "any"]
    text: Text = field(default_factory=list)
    pattern: str = ""  # of regex and hex
    note: str = ""

    def matches(self, frame: bytes) -> bool:
        """Whether a frame may be one; values are taken to match."""
        if self.kind == "regex":
            return bool(re.search(self.pattern.encode("latin-1"), frame))
        start = self.text[0] if self.text and isinstance(self.text[0], bytes) else b""
        if self.kind == "exact" and len(self.text) == 1:
            return frame == start
        return self.kind in ("any", "suffix", "hex") or frame.startswith(start)


ANY = Expectation("any")


def expected(frames: Mapping[Key, bytes], secrets: Secrets, variables: Variables) -> Expectation:
    """Return what the frame at one place of a reply must be."""
    shown = {key: hidden(frame, secrets[key[0]]) for key, frame in frames.items()}
    first = next(iter(shown.values()))
    varied = compared(shown)
    if any(isinstance(each, Hole) for each in varied):
        return _of_varied(varied, is_text(first), variables)
    if not is_text(first):
        short = first[:LONG_BINARY]
        return Expectation("exact", marked(first)) if short == first else Expectation("prefix", [short[:8]])
    return _of_one(first, len(shown) > 1)


def _of_varied(varied: Varied, text: bool, variables: Variables) -> Expectation:
    known: Text = []
    for at, each in enumerate(varied):
        if not isinstance(each, Hole):
            known += marked(each) if isinstance(each, bytes) else [each]
            continue
        value = variables.again(each) if text else None
        if value is None:
            return _until_hole(known, varied[at + 1 :], text) if text else _bytes(varied)
        known.append(value)
    known = _announcing(known)
    size = sum(len(each) for each in known if isinstance(each, bytes))
    return Expectation("exact", known) if size <= LONG else Expectation("prefix", _line(known))


def _announcing(known: Text) -> Text:
    """Return a reply of Redis with the length that its value has with the values of the file."""
    first = known[0] if known else b""
    found = re.match(rb"\$\d+\r\n", first) if isinstance(first, bytes) else None
    if found is None or not isinstance(first, bytes):
        return known
    rest: Text = [first[found.end() :], *known[1:]]
    sizes = [size_of(each) for each in rest]
    if None in sizes:
        return known
    return [b"$%d\r\n" % (sum(size or 0 for size in sizes) - 2) + first[found.end() :], *known[1:]]


def _until_hole(known: Text, behind: Varied, text: bool) -> Expectation:
    """Return what stands before a part that varies, or else behind the last one."""
    if known and not _is_announcement(known):
        return Expectation("prefix", _line(known))
    last = behind[-1] if behind else b""
    if isinstance(last, bytes) and len(last.strip()) > 1:
        return Expectation("suffix", marked(last))
    return Expectation("prefix", known) if known else ANY


def _is_announcement(known: Text) -> bool:
    return isinstance(known[0], bytes) and known[0] in (b"$", b"*") and len(known) == 1


def _bytes(varied: Varied) -> Expectation:
    """Return the bytes in hex with `??` for those that vary, if they have one length."""
    if any(isinstance(each, Hole) and each.width is None for each in varied):
        start = varied[0]
        return Expectation("prefix", [start[:8]]) if isinstance(start, bytes) else ANY
    words = [" ".join(["??"] * len(e.first)) if isinstance(e, Hole) else _hexed(e) for e in varied]
    size = sum(len(each.first if isinstance(each, Hole) else each) for each in varied)
    if size <= LONG_BINARY:
        return Expectation("hex", pattern=" ".join(words))
    return Expectation("prefix", [varied[0][:8]]) if isinstance(varied[0], bytes) else ANY


def _hexed(piece: bytes | str) -> str:
    return piece if isinstance(piece, str) else piece.hex(" ")


def _of_one(frame: bytes, several: bool) -> Expectation:
    """Return what a text must be that was always the same, or was seen once."""
    if (number := _NUMBER.fullmatch(frame)) and not _CODE.match(frame):
        before = re.escape(number[1]).decode("latin-1")
        return Expectation("regex", pattern=f"^{before}-?\\d+", note="" if several else "any number")
    if not several and (found := _VOLATILE.search(frame)):
        start = re.sub(rb"[\w.-]*\Z", b"", frame[: found.start()])
        if not start.strip():
            return ANY
        return Expectation("prefix", _line(marked(start)), note="the rest looks as if it varied")
    if len(frame) > LONG:
        return Expectation("prefix", _line(marked(frame)))
    return Expectation("exact", marked(frame))


def _line(text: Text) -> Text:
    """Return the first line of a text without its end, if it is a long text of several lines."""
    if sum(map(len, text)) <= LONG // 2 or not text or not isinstance(text[0], bytes):
        return text
    line = text[0].splitlines()[0] if text[0].strip() else text[0]
    return [line[:LONG]] if line else text


@dataclass(frozen=True)
class Replied:
    """What is expected of a whole reply: of its frames, and its end (`until` or `frames`); `reply`: there is one."""

    reply: bool = True
    expect: tuple[Expectation, ...] = ()
    until: Expectation | None = None
    frames: int = 0
    note: str = ""
    then: str = ""  # raw bytes that follow the frame


BULK = re.compile(rb"\$\d+\r\n")


def of_value(replies: Mapping[Key, Sequence[bytes]]) -> Replied | None:
    """Return what is expected of lines that values of an announced length follow; None for other replies."""
    if not all(len(each) == 1 and BULK.match(each[0]) for each in replies.values()):
        return None
    return Replied(expect=(Expectation("regex", pattern=r"^\$(?P<len>\d+)$"),), then="{len}+2")


def of_reply(replies: Mapping[Key, Sequence[bytes]], secrets: Secrets, variables: Variables) -> Replied:
    """Return what is expected of the reply of one step."""
    counts = {len(each) for each in replies.values()}
    if counts == {0}:
        return Replied(reply=False)
    if 0 in counts:
        replies = {key: each for key, each in replies.items() if each}
        counts.discard(0)
        some = "not every time there was a reply"
    else:
        some = ""
    last = expected({key: each[-1] for key, each in replies.items()}, secrets, variables)
    if counts == {1}:
        return Replied(expect=(last,), note=some or last.note)
    before = [frame for each in replies.values() for frame in each[:-1]]
    if all(_CODE.match(each[0]) for each in replies.values()) and all(
        re.match(rb"\d{3} ", r[-1]) for r in replies.values()
    ):
        code = Expectation("prefix", [next(iter(replies.values()))[-1][:4]])
        return Replied(expect=(code,), until=Expectation("regex", pattern=r"^\d{3} "), note=some)
    if last.kind in ("exact", "prefix") and not any(map(last.matches, before)) and (len(counts) > 1 or _short(last)):
        return Replied(until=last, note=some or last.note)
    count = len(next(iter(replies.values())))
    if len(counts) > 1:
        some = f"the reply had {min(counts)} to {max(counts)} frames"
    return Replied(expect=(last,) if last.kind != "any" else (), frames=count, note=some)


def _short(expectation: Expectation) -> bool:
    return sum(len(each) for each in expectation.text if isinstance(each, bytes)) <= LONG
