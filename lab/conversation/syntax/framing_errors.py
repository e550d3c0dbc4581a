"""What a framing of rawsocket refuses, in the words of the file: its classes name themselves and Python's arguments."""

import re

from lab.conversation.syntax.source import Mistake, Place
from rawsocket.conversation.framings import framing_of
from rawsocket.conversation.plan import FramingPlan
from rawsocket.wire.framing import Delimiter, Framing, Framings, LengthField, Marks, Varint
from rawsocket.wire.framing_words import quoted, written

_KEYS = {
    "Line": "line", "Delimiter": "delimiter", "Chunk": "chunk", "Fixed": "fixed", "LengthPrefixed": "length",
    "LengthField": "length", "Varint": "varint", "Marks": "marks", "UntilPattern": "until", "LengthInText": "head",
    "IdleGap": "idle", "UntilClosed": "eof",
}  # fmt: skip
_OPTIONS = {"byteorder": "order", "offset": "at", "max_size": "max"}
_CALL = re.compile(rf"({'|'.join(_KEYS)})(?:\((?:(\w+)=)?(.*)\))?", re.DOTALL)
_BYTES = re.compile(r"\bb(?=['\"])")


def framing_mistake(error: Exception, place: Place, expected: str, remedy: str = "correct the framing") -> Mistake:
    """Return the mistake of a framing that can't be: `error` is what its class says."""
    wrong, _, wanted = str(error).partition(": ")
    return Mistake(place, _in_words(wrong), _BYTES.sub("", wanted) or expected, remedy)


def message_mistake(error: Exception, place: Place, plan: FramingPlan) -> Mistake:
    """Return the mistake of a message that its framing can't carry."""
    made = framing_of(plan)
    framing = made.sends if isinstance(made, Framings) else made
    found = str(error)
    if isinstance(framing, Delimiter | Marks) and "its own end mark" in found:
        end = quoted(framing.mark if isinstance(framing, Delimiter) else framing.end)
        several = ", or make several steps of it, all but the last with `reply: no`"
        return Mistake(
            place, f"this message holds {end}, which ends a message", "the framing adds it at the end",
            f"remove it{several if isinstance(framing, Delimiter) else ''}",
        )  # fmt: skip
    if isinstance(framing, LengthField | Varint) and "whole frame" in found:
        return Mistake(
            place, f"this message can't be sent: its length is missing or wrong for {written(framing)}",
            "expected the whole frame with its length", f"write {_length(framing)} where the length stands",
        )  # fmt: skip
    return Mistake(
        place, f"this message can't be sent: {_BYTES.sub('', found)}", "expected one that the framing can carry",
        "correct the message or the framing",
    )  # fmt: skip


def _length(framing: Framing) -> str:
    if not isinstance(framing, LengthField):
        return "{length:varint}"
    return f"{{length:u{framing.size}{'le' if framing.byteorder == 'little' else ''}}}"


def _in_words(wrong: str) -> str:
    """Return the part of an error that names a class, with the keys of the file."""
    found = _CALL.fullmatch(wrong)
    if found is None:
        return _CALL.sub(lambda call: f"`{_KEYS[call[1]]}`", _BYTES.sub("", wrong))
    key, option, value = _KEYS[found[1]], found[2], _BYTES.sub("", found[3] or "")
    if option:
        return f"`{_OPTIONS.get(option, option)}: {value}` in `{key}`"
    return f"{value} in `{key}`" if value else f"`{key}`"
