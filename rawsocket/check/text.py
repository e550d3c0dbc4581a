"""A dialogue as lines for a console: text and hex, with times, what was captured, and why it failed. Pure.

Columns: milliseconds since the connect, an arrow, the bytes as text; below it the same bytes as hex.
"""

from collections.abc import Iterable, Iterator

from rawsocket.check.dialogue import (
    CAPTURE,
    CLOSED,
    FRAME,
    MISTAKE,
    NOTE,
    OPEN,
    PART,
    PROGRAM,
    REST,
    SENT,
    UNREACHABLE,
    Dialogue,
    Entry,
    Failure,
)
from rawsocket.master.reports.layout import WIDTH, wrapped
from rawsocket.master.reports.result import Line, Span
from rawsocket.wire.framing_words import quoted

INDENT = " " * 12  # of what stands below a line's time and arrow
ROW = 16  # bytes in a line of hex
ROWS = 8  # lines of hex of one message, unless all is to be shown
FRAMES = 20  # messages that arrive one after the other, unless all are to be shown
ARROWS = {SENT: "->", FRAME: "<-", REST: "<-", CLOSED: "<|", OPEN: "--", NOTE: "--"}
LEGEND = "ms since the connect; -> sent, <- received: one line for each frame, its bytes as hex below it"


def lines(dialogue: Dialogue, width: int = WIDTH, everything: bool = False) -> list[Line]:
    """Return the whole dialogue and its result; `everything`: no message is cut."""
    found = [*_head(dialogue, width)]
    for entry, left_out in _bounded(dialogue.entries, None if everything else FRAMES):
        found += [_left_out(left_out)] if entry is None else _entry(entry, width, everything)
    return [*found, (), *result(dialogue, width)]


def result(dialogue: Dialogue, width: int = WIDTH) -> list[Line]:
    """Return how it ended, without the dialogue."""
    failure = dialogue.failure
    if failure is None:
        sent, frames = dialogue.count(SENT), dialogue.count(FRAME)
        text = (
            f"{dialogue.scenario}: the server replied as expected "
            f"({_count(sent, 'message')} sent, {frames} received, {dialogue.ms:.1f} ms)"
        )
        return _styled(wrapped(text, "  ", "", width), "pass")
    return [*_failed(failure, dialogue, width), *_facts(failure, width)]


def summary(dialogue: Dialogue) -> str:
    """Return why it failed in one line, "" if it did not."""
    failure = dialogue.failure
    if failure is None:
        return ""
    where = f"{failure.place}: " if failure.place else ""
    said = f"{where}{_headline(failure, dialogue)}"
    return " ".join(f"{sentence.rstrip('.')}." for sentence in (said, *failure.hints[:2]))


def _head(dialogue: Dialogue, width: int) -> Iterator[Line]:
    text = f"{dialogue.scenario} against {dialogue.target}, framing {dialogue.framing}"
    yield from _styled(wrapped(text, "  ", "", width), "strong")
    yield from _styled(wrapped(LEGEND, "", "", width), "faint")
    yield ()


def _bounded(entries: Iterable[Entry], most: int | None) -> Iterator[tuple[Entry | None, int]]:
    """Yield the entries; of frames that arrive one after the other only the first ones, and how many were left out."""
    in_a_row = 0
    for entry in entries:
        if entry.kind == FRAME:
            in_a_row += 1
            if most is not None and in_a_row > most:
                continue
        elif most is not None and in_a_row > most:
            yield None, in_a_row - most
            in_a_row = 0
        else:
            in_a_row = 0
        yield entry, 0
    if most is not None and in_a_row > most:
        yield None, in_a_row - most


def _left_out(frames: int) -> Line:
    return (Span(f"{INDENT}... and {_count(frames, 'frame')} more (VERBOSE=yes shows all)", "faint"),)


def _entry(entry: Entry, width: int, everything: bool) -> list[Line]:
    if entry.kind == PART:
        return [(Span(entry.text, "strong"), Span(f"  {entry.place}" if entry.place else "", "faint"))]
    if entry.kind == CAPTURE:
        return [(Span(f"{INDENT}{entry.text} = {_clipped(quoted(entry.data), width - 15 - len(entry.text))}"),)]
    time = Span(f"{entry.at_ms:8.1f} ", "faint")
    arrow = ARROWS[entry.kind]
    if not entry.data:
        first, *more = wrapped(entry.text, "", "", width - len(INDENT))
        return [(time, Span(f"{arrow} {first}")), *((Span(INDENT + line),) for line in more)]
    size = _count(len(entry.data), "byte")
    said = f"{size}, no whole frame" if entry.kind == REST else size
    room = width - len(INDENT) - len(said) - 4
    text = _clipped(quoted(entry.data)[1:-1].replace('\\"', '"'), room)
    style = "unknown" if entry.kind == REST else ""
    head = (time, Span(f"{arrow} "), Span(text, style), Span(f"  ({said})", "faint"))
    return [head, *_hex(entry.data, None if everything else ROWS)]


def _hex(data: bytes, rows: int | None) -> Iterator[Line]:
    """Yield the bytes as hex and, beside it, as characters."""
    starts = range(0, len(data), ROW)
    for at in starts[:rows]:
        row = data[at : at + ROW]
        characters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield (Span(f"{INDENT}{row.hex(' '):<{3 * ROW - 1}}  {characters}", "faint"),)
    if rows is not None and len(starts) > rows:
        left = len(data) - rows * ROW
        yield (Span(f"{INDENT}... and {_count(left, 'byte')} more (VERBOSE=yes shows all)", "faint"),)


def _headline(failure: Failure, dialogue: Dialogue) -> str:
    detail = f": {failure.detail}" if failure.detail else ""
    step = f"{failure.step}: " if failure.step else ""
    if failure.why == UNREACHABLE:
        return f"{dialogue.target} can't be connected to{detail}"
    if failure.why in (MISTAKE, PROGRAM):
        return f"{step}{failure.name}{detail}"
    return f"{step}{failure.name}{detail}"


def _failed(failure: Failure, dialogue: Dialogue, width: int) -> list[Line]:
    place = f" at {failure.place}" if failure.place else ""
    return _styled(wrapped(f"FAILED{place}: {_headline(failure, dialogue)}", "  ", "", width), "fail")


def _facts(failure: Failure, width: int) -> Iterator[Line]:
    pairs = [("expected", failure.expected), ("arrived", failure.arrived)]
    if failure.expected and not failure.arrived:
        pairs[1] = ("arrived", "nothing")
    for name, text in pairs:
        if text:
            for line in wrapped(text, " " * 12, f"  {name}:".ljust(12), width):
                yield (Span(line),)
    for hint in failure.hints:
        for line in wrapped(hint, "  ", "  ", width):
            yield (Span(line, "unknown"),)


def _styled(found: list[str], style: str) -> list[Line]:
    return [(Span(line, style),) for line in found]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _clipped(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(0, room - 3)]}..."
