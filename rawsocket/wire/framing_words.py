r"""A framing as a conversation's file writes it: `{delimiter: "\r\n"}`, `{length: {at: 1, size: 4}}`. Pure."""

from typing import Any

from rawsocket.wire.framing import (
    MAX_SIZE,
    Chunk,
    Delimiter,
    Fixed,
    Framing,
    Framings,
    IdleGap,
    LengthField,
    LengthInText,
    LengthPrefixed,
    Marks,
    UntilClosed,
    UntilPattern,
    Varint,
)

_ESCAPES = {0x22: '\\"', 0x5C: "\\\\", 0x0D: "\\r", 0x0A: "\\n", 0x09: "\\t", 0x00: "\\0", 0x7B: "{{", 0x7D: "}}"}


def written(framing: Framing) -> str:
    """Return the framing as YAML, in one line; one that the file has no words for as Python."""
    if isinstance(framing, Framings):
        send, receive = written(framing.sends), written(framing.receives)
        return send if send == receive else f"{{send: {send}, receive: {receive}}}"
    if isinstance(inner := getattr(framing, "frames", None), Framing):
        return written(inner)  # raw bytes may follow its frames: a step says so, not the framing
    if isinstance(framing, Chunk | UntilClosed):
        return "chunk" if isinstance(framing, Chunk) else "eof"
    if isinstance(framing, Delimiter) and (framing.mark, framing.max_size) == (b"\n", MAX_SIZE):
        return "line"
    if isinstance(framing, Varint) and not framing.offset:
        return "varint"
    found = _options(framing)
    return repr(framing) if found is None else f"{{{found[0]}: {_value(found[1])}}}"


def quoted(data: bytes) -> str:
    r"""Return bytes as a text of the file in double quotes, with escapes: "\r\n", "\x0b"."""
    return f'"{"".join(_ESCAPES.get(byte) or _shown(byte) for byte in data)}"'


def _shown(byte: int) -> str:
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"


def _pattern(pattern: bytes) -> str:
    """Return a regular expression as YAML in single quotes, which has no escapes but a doubled quote."""
    return "'" + "".join(_shown(byte) for byte in pattern).replace("'", "''") + "'"


def _options(framing: Framing) -> tuple[str, Any] | None:
    """Return the key of a framing and its options; None if there is none."""
    if isinstance(framing, Delimiter):
        return "delimiter", _main("end", quoted(framing.mark), framing.max_size)
    if isinstance(framing, Fixed):
        return "fixed", framing.size
    if isinstance(framing, LengthPrefixed):
        return "length", _length(framing.size, framing.byteorder, framing.counts_header, framing.max_size)
    if isinstance(framing, LengthField):
        where = {"at": framing.offset}
        adjust = {"adjust": framing.adjust} if framing.adjust else {}
        rest = _length(framing.size, framing.byteorder, framing.includes_header, framing.max_size)
        return "length", where | {"size": rest.pop("size")} | adjust | rest
    if isinstance(framing, Varint):
        return "varint", {"at": framing.offset} | _max(framing.max_size)
    if isinstance(framing, Marks):
        skip = {"skip_between": "yes"} if framing.skip_between else {}
        marks = {"start": quoted(framing.start), "end": quoted(framing.end)}
        return "marks", marks | skip | _max(framing.max_size)
    if isinstance(framing, UntilPattern):
        return "until", _pattern(framing.pattern)
    if isinstance(framing, LengthInText):
        after = {"after": quoted(framing.after)} if framing.after else {}
        return "head", {"end": quoted(framing.end), "length": _pattern(framing.pattern)} | after
    return ("idle", f"{framing.seconds * 1000:g}ms") if isinstance(framing, IdleGap) else None


def _length(size: int, order: str, counts_header: bool, most: int) -> dict[str, Any]:
    little = {"order": order} if order == "little" else {}
    counts = {"includes_header": "yes"} if counts_header else {}
    return {"size": size} | little | counts | _max(most)


def _main(name: str, value: str, most: int) -> Any:
    """Return the main option alone, if no other is needed."""
    more = _max(most)
    return {name: value} | more if more else value


def _max(most: int) -> dict[str, int]:
    return {} if most == MAX_SIZE else {"max": most}


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {each}" for name, each in value.items()) + "}"
    return str(value)
