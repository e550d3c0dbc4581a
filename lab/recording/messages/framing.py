r"""Chooses the framing of recorded bytes. Pure.

`rawsocket/wire/framing_detection.py` knows which framings fit, and which is the likeliest. Here are the few that a
protocol's replies give away and that need not fit what the client sends, and how messages are written: as frames, if
each of them is one (or several, where frames are binary), else as they are: `{send: chunk, receive: ...}`.
"""

import re
from collections.abc import Iterator

from lab.recording.messages.frames import Both, Found, Runs, fits, is_text, joined, same, whole_frames
from rawsocket.conversation.framings import FollowedBy
from rawsocket.conversation.plan import More
from rawsocket.wire.framing import (
    Chunk,
    Delimiter,
    Framing,
    Framings,
    IdleGap,
    LengthInText,
    Line,
    UntilClosed,
    UntilPattern,
    Varint,
)
from rawsocket.wire.framing_detection import fitting
from rawsocket.wire.framing_words import quoted, written

HTTP = LengthInText(b"\r\n\r\n", rb"(?i)\ncontent-length: *(\d+)")
HTTP_CHUNKED = UntilPattern(rb"\r\n0\r\n\r\n")
RESP = LengthInText(b"\r\n", rb"^\$(\d+)", b"\r\n")
CRLF = Delimiter(b"\r\n")
#: What `then` makes of lines: a value follows the line with its length.
BULK = FollowedBy(CRLF, (More(rb"^\$(?P<len>\d+)$", "len", 2),))
MEMCACHED = LengthInText(b"\r\n", rb"^VALUE \S+ \d+ (\d+)", b"\r\n")
NATS = LengthInText(b"\r\n", rb"^H?MSG .* (\d+)\r$", b"\r\n")
RESP_TYPES = b"+-:$*_#,(=~>%!"
NOTES = {
    IdleGap: "no framing fits what was recorded, so 50 ms of silence end a message",
    UntilClosed: "the server closes the connection after its reply",
    UntilPattern: "check the end of a reply",
}


def guess(sent: Runs, received: Runs, closed_by_server: bool = False) -> Both:
    """Return the framings of a dialogue. `closed_by_server`: it closed every connection."""
    if not joined(received):
        found = _likeliest(sent, [], False)
        return paired(Chunk() if isinstance(found, IdleGap) else found, sent)
    single = closed_by_server and all(len(runs) <= 1 for runs in received)
    if _is_inline_redis(sent, received):
        line = Found(written(CRLF), CRLF)
        return Both(line, Found(line.written, BULK), one=True)
    particular = (each for each in _particular(sent, received) if fits(each, received))
    found = next(particular, None) or _likeliest(received, sent, single)
    if single and not (isinstance(found, LengthInText | Delimiter) and _one_each(found, received)):
        found = UntilClosed()
    return paired(found, sent)


def paired(receive: Framing, sent: Runs) -> Both:
    """Return a framing of the replies with that of what is sent: the same one, if each message is a frame."""
    found = Found(written(receive), receive, NOTES.get(type(receive), ""))
    if isinstance(receive, LengthInText | UntilPattern | IdleGap | UntilClosed | Chunk):
        return Both(Found("chunk", Chunk()), found, one=True)  # these send a payload as it is
    if isinstance(receive, Framings):
        return Both(Found(written(receive.sends), receive.sends), Found(written(receive.receives), receive.receives))
    if isinstance(receive, Delimiter):
        return _lines(found, receive.mark, sent)
    if same(receive, sent):
        return Both(found, found, one=True)
    return Both(Found("chunk", Chunk()), found)


def _is_inline_redis(sent: Runs, received: Runs) -> bool:
    """Whether Redis commands were sent as lines, and a reply is a value whose length is announced."""
    runs = [run for connection in received for run in connection]
    return (
        all(run.endswith(CRLF.mark) and run.count(CRLF.mark) == 1 for connection in sent for run in connection)
        and all(run[:1] in RESP_TYPES for run in runs)
        and any(whole_frames(RESP, run) == [run] for run in runs if re.match(rb"\$\d", run))
        and fits(BULK, received)
    )


def _one_each(framing: Framing, of: Runs) -> bool:
    """Whether each run is one frame."""
    return all(len(whole_frames(framing, run)) == 1 for connection in of for run in connection)


def _likeliest(runs: Runs, sent: Runs, closed: bool) -> Framing:
    """Return the framing that explains these bytes best, with what was sent where that has the same framing."""
    turns, asked = ([run for connection in each for run in connection] for each in (runs, sent))
    # A single run of each says nothing about its end: that the connection ended it is then the best guess.
    found = _fitting(turns, asked, closed)
    if all(isinstance(each, IdleGap) for each in found):  # the recording may have ended within a frame
        found = _fitting(turns[:-1], asked[: len(turns) - 1], closed) or found
    if not is_text(joined(runs)):  # marks of one byte are everywhere in binary data
        found = [each for each in found if not isinstance(each, Delimiter)] + found
    return next(iter(found), Chunk())


def _fitting(turns: list[bytes], asked: list[bytes], closed: bool) -> list[Framing]:
    return [fit.framing.receives for fit in fitting(turns, asked, closed and len(turns) == 1, most=20)]


def _particular(sent: Runs, received: Runs) -> Iterator[Framing]:
    """Yield the framings of protocols whose replies announce bytes in a line of text."""
    runs = [run for connection in received for run in connection if run]
    if all(run.startswith(b"HTTP/1.") for run in runs):
        yield HTTP_CHUNKED if all(b"\r\n0\r\n\r\n" in run for run in runs) else HTTP
    if all(run[:1] in RESP_TYPES for run in runs) and any(run.startswith(b"$") or b"\n$" in run for run in runs):
        yield RESP
    if any(re.match(rb"\*\d+\r\n\$\d", run) for each in sent for run in each):
        yield RESP
    if any(run.startswith(b"VALUE ") for run in runs) and not is_text(joined(received)):
        yield MEMCACHED
    if any(run[:1] == b"\x10" and (b"MQTT" in run[:12] or b"MQIsdp" in run[:12]) for each in sent for run in each):
        yield Varint(1)
    if any(run.startswith((b"INFO ", b"MSG ", b"HMSG ")) for run in runs):
        yield NATS


def _lines(receive: Found, mark: bytes, sent: Runs) -> Both:
    """Return lines; with `many`, where the client has sent several in one message."""
    runs = [run for connection in sent for run in connection]
    # A conversation can't have an empty message, so an empty line is written with its end.
    if mark in runs or not all(run.endswith(mark) for run in runs):
        return Both(Found("chunk", Chunk()), receive)
    if not any(run.count(mark) > 1 for run in runs):
        return Both(receive, receive, one=True)
    line = isinstance(receive.framing, Line) or mark == b"\n"
    text = "{line: {many: yes}}" if line else f"{{delimiter: {{end: {quoted(mark)}, many: yes}}}}"
    several = Found(text, Delimiter(mark, many=True), receive.note)
    return Both(several, several, one=True)
