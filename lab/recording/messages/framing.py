r"""Finds the framing in recorded bytes. Pure.

Strategy: candidates are tried in their order, from the most particular (an HTTP head, marks) to the least (a pause);
the first that fits the replies is taken, or the first that fits the messages as well.

What the client sends has the same framing if each of its messages is one frame (or several, where frames are binary).
Otherwise what it sends is written as it is: `{send: chunk, receive: ...}`.
"""

from collections.abc import Iterator

from lab.recording.messages.frames import Both, Found, Runs, fits, is_text, joined, same
from lab.recording.messages.lengths import announced
from rawsocket.wire.framing import (
    Chunk,
    Delimiter,
    Framing,
    IdleGap,
    LengthInText,
    Line,
    Marks,
    UntilClosed,
    UntilPattern,
    Varint,
)

CHUNK = Found("chunk", Chunk())
IDLE = Found("{idle: 50ms}", IdleGap(0.05), "no framing fits what was recorded, so 50 ms of silence end a message")
EOF = Found("eof", UntilClosed(), "the server closes the connection after its reply")


def _head(end: str, length: str, after: str = "") -> Found:
    """Return the framing of a head that announces bytes; `length` is an expression, `end` and `after` are escaped."""
    more = f', after: "{after}"' if after else ""
    yaml = length.replace("\\", "\\\\")
    ends = (text.encode().decode("unicode_escape").encode() for text in (end, after))
    mark, closing = ends
    return Found(f'{{head: {{end: "{end}", length: "{yaml}"{more}}}}}', LengthInText(mark, length.encode(), closing))


HTTP = _head(r"\r\n\r\n", r"(?i)\ncontent-length: *(\d+)")
HTTP_CHUNKED = Found(r'{until: "\\r\\n0\\r\\n\\r\\n"}', UntilPattern(rb"\r\n0\r\n\r\n"), "a reply in chunks")
RESP = _head(r"\r\n", r"^\$(\d+)", r"\r\n")
MEMCACHED = _head(r"\r\n", r"^VALUE \S+ \d+ (\d+)", r"\r\n")
NATS = _head(r"\r\n", r"^H?MSG .* (\d+)\r$", r"\r\n")
LINES = (
    Found(r'{delimiter: "\r\n"}', Delimiter(b"\r\n")),
    Found("line", Line()),
    Found(r'{delimiter: "\0\n"}', Delimiter(b"\0\n")),
    Found(r'{delimiter: "\0"}', Delimiter(b"\0")),
    Found(r'{delimiter: "\r"}', Delimiter(b"\r")),
)
MARKS = (
    Found(r'{marks: {start: "\x0b", end: "\x1c\r"}}', Marks(b"\x0b", b"\x1c\r")),
    Found(r'{marks: {start: "\x02", end: "\x03"}}', Marks(b"\x02", b"\x03")),
)


def guess(sent: Runs, received: Runs, closed_by_server: bool = False) -> Both:
    """Return the framings of a dialogue. `closed_by_server`: it closed every connection."""
    if not joined(received):
        found = next((each for each in _candidates(sent) if fits(each.framing, sent)), CHUNK)
        return paired(found, sent)
    fitting = [each for each in _candidates(received) if fits(each.framing, received)]
    best = next((each for each in fitting if fits(each.framing, sent)), fitting[0] if fitting else None)
    if best is None:
        best = EOF if closed_by_server and all(len(runs) <= 1 for runs in received) else IDLE
    return paired(best, sent)


def paired(receive: Found, sent: Runs) -> Both:
    """Return a framing of the replies with that of what is sent: the same one, if each message is a frame."""
    framing = receive.framing
    if isinstance(framing, LengthInText | UntilPattern | IdleGap | UntilClosed | Chunk):
        return Both(CHUNK, receive, one=True)  # these send a payload as it is
    if isinstance(framing, Delimiter):
        return _lines(receive, framing.mark, sent)
    if same(framing, sent):
        return Both(receive, receive, one=True)
    return Both(CHUNK, receive)


def _lines(receive: Found, mark: bytes, sent: Runs) -> Both:
    """Return lines; with `many`, where the client has sent several in one message."""
    runs = [run for connection in sent for run in connection]
    if not all(run.endswith(mark) for run in runs):
        return Both(CHUNK, receive)
    if not any(run.count(mark) > 1 for run in runs):
        return Both(receive, receive, one=True)
    end = receive.written.partition(": ")[2].rstrip("}")
    written = (
        "{line: {many: yes}}" if isinstance(receive.framing, Line) else f"{{delimiter: {{end: {end}, many: yes}}}}"
    )
    several = Found(written, Delimiter(mark, many=True), receive.note)
    return Both(several, several, one=True)


def _candidates(of: Runs) -> Iterator[Found]:
    """Yield the framings that may fit, in the order in which they are tried."""
    runs = [run for connection in of for run in connection if run]
    text = is_text(joined(of))
    if all(run.startswith(b"HTTP/1.") for run in runs):
        yield from (HTTP, HTTP_CHUNKED)
    yield from MARKS
    if all(run[:1] in b"+-:$*_#,(=~>%!" for run in runs) and any(run.startswith(b"$") or b"\n$" in run for run in runs):
        yield RESP
    if text:
        yield from LINES
    yield from _announced_by_text(runs)
    if not text:
        if runs and runs[0][0] >> 4 in (1, 2):  # MQTT begins with CONNECT and CONNACK
            yield Found("{varint: {at: 1}}", Varint(1))
        yield from announced(of)
        yield from LINES


def _announced_by_text(runs: list[bytes]) -> Iterator[Found]:
    if any(run.startswith(b"VALUE ") for run in runs):
        yield MEMCACHED
    if any(run.startswith((b"INFO ", b"MSG ", b"HMSG ")) for run in runs):
        yield NATS


def framing_of(both: Both, sent: bool) -> Framing:
    """Return the framing of one direction."""
    return (both.send if sent else both.receive).framing
