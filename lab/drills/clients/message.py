"""A message that makes the server answer: what extra clients send that must be understood."""

from lab.settings import CONVERSATION, Settings
from rawsocket.conversation.framings import framing_of
from rawsocket.conversation.plan import Step, load

OF_THE_LAB = "hold"  # a scenario in the lab's wire format, whatever server answers it
NEEDED = "it needs a message that the server answers: the lab's own server, SCENARIO=hold, or a conversation with one"
LARGE = 8000  # bytes; an echo has as many


def of(settings: Settings) -> bytes:
    """Return a large message in the lab's wire format, or the first message of the conversation; b"" if none is known.

    A message with values, such as {user}, belongs to a user of the load.
    """
    if settings.own_server or settings["SCENARIO"] == OF_THE_LAB:
        return b"x" * LARGE + (b"" if settings["FRAMING"] == "chunk" else b"\n")
    if not (path := settings.values.get(CONVERSATION)):
        return b""
    plan = load(path)
    return next((framing_of(plan.framing).encode(data) for step in plan.steps if (data := _fixed(step))), b"")


def _fixed(step: Step) -> bytes:
    """Return the bytes of a step that sends a message without values, b"" for another one."""
    pieces = step.message.pieces if step.kind == "send" and step.message else ()
    return b"".join(piece for piece in pieces if isinstance(piece, bytes)) if _plain(pieces) else b""


def _plain(pieces: tuple[object, ...]) -> bool:
    return all(isinstance(piece, bytes) for piece in pieces)
