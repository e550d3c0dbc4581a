"""Steps, expectations and bytes in words. Pure."""

from collections.abc import Sequence
from typing import Any

from rawsocket.conversation.plan import Expectation, Template, Value
from rawsocket.wire.framing_words import quoted

SHOWN = 60  # bytes of a message in a sentence
FRAMES = 6  # messages in a sentence
#: What a step of a Python session is called, by its class; those with a name of their own have it behind.
STEPS = {
    "Connect": "connect",
    "Close": "close",
    "Send": "send",
    "Request": "request",
    "Receive": "receive",
    "Wait": "wait",
    "Due": "wait for the next slot",
    "SendRaw": "send raw bytes",
    "SendPart": "send a part",
    "SetFraming": "change the framing",
    "ShutdownWrite": "end sending",
    "Throttle": "throttle",
    "Heartbeat": "heartbeat",
    "Call": "call a function",
    "StartTls": "start TLS",
    "Answered": "wait for all replies",
}


def step_of_session(step: Any) -> str:
    """Return what a step of a Python session does, with its name if it has one."""
    kind = STEPS.get(type(step).__name__, type(step).__name__)
    name = getattr(step, "name", None)
    return f"{kind} `{name}`" if name else kind


def step_of_plan(step: Any) -> str:
    """Return what a step of a conversation does, with its name if it has one."""
    return f"{step.kind} `{step.name}`" if step.name else str(step.kind)


def name_in(what: str) -> str:
    """Return the name of a step from what the functions above have made."""
    return what.partition("`")[2].rstrip("`")


def shown(data: bytes, most: int = SHOWN) -> str:
    """Return bytes as a text in quotes, shortened."""
    if len(data) <= most:
        return quoted(data)
    return f"{quoted(data[:most])}... ({len(data):,} bytes)"


def frames(found: Sequence[bytes], most: int = FRAMES) -> str:
    """Return frames as texts in quotes: the first ones and the last one, and how many are left out."""
    said = [shown(frame) for frame in (found if len(found) <= most else [*found[: most - 1], found[-1]])]
    if len(found) > most:
        said.insert(most - 1, f"({len(found) - most:,} more)")
    return " | ".join(said)


def expected(wanted: Any) -> str:
    """Return what a reply had to be, "" if any was right."""
    if wanted is None:
        return ""
    if isinstance(wanted, bytes):
        return f"exactly {shown(wanted)}"
    if isinstance(wanted, list | tuple):
        return ", then ".join(said for each in wanted if (said := expected(each)))
    if isinstance(wanted, Expectation):
        return _of_file(wanted)
    return f"a reply that {getattr(wanted, '__name__', 'the scenario')} accepts"


def _of_file(wanted: Expectation) -> str:
    """Return an expectation of a conversation in words."""
    if wanted.kind == "any":
        return "any message"
    if wanted.kind == "size":
        return f"a message of {wanted.size} bytes"
    if wanted.kind == "regex":
        return f"a match of {wanted.pattern.decode('latin-1')!r}"
    what = {"exact": "exactly", "prefix": "a message that begins with", "suffix": "a message that ends with"}
    return f"{what.get(wanted.kind, 'a message that contains')} {template(wanted.text)}"


def template(text: Template | None) -> str:
    """Return a text of the file with its values in braces."""
    pieces = () if text is None else text.pieces
    return '"' + "".join(_piece(each) for each in pieces) + '"'


def _piece(piece: bytes | Value) -> str:
    if isinstance(piece, bytes):
        return quoted(piece)[1:-1]
    if piece.source == "mark":
        return "?" if piece.name == "?" else ""
    return "{" + piece.name + (f":{piece.format}" if piece.format else "") + "}"
