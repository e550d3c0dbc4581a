r"""Makes the text of a message: what is fixed, and values for secrets and for what varies. Pure.

A text is a list of bytes and of values as the file has them, `{user}`. Where the text itself says the length of a part
that varies (Redis: `$5`), the length is written by `{length}`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from lab.recording.messages.frames import is_text
from lab.recording.messages.secrets import MARK, hidden
from lab.recording.script.differences import Hole, Key, Varied, compared
from lab.recording.script.length_fields import announcement, text_announcement, with_inner_length
from lab.recording.script.variables import Variables, size_of
from rawsocket.wire.framing import Framing

Secrets = Mapping[int, Mapping[bytes, str]]
Text = list[bytes | str]
_MARKED = re.compile(re.escape(MARK) + rb"([\w:]+)" + re.escape(MARK))
_SECONDS = re.compile(rb"(?<![\w.])(\d{10,14})(?![\w.])")
_ARGUMENT = re.compile(rb"\$(\d+)\r\n")


def message_parts(texts: Mapping[Key, bytes], secrets: Secrets, framing: Framing) -> list[Varied]:
    """Return what varies in a message, in one list for each argument of a Redis command, else in one list."""
    arguments = {key: _arguments(text) for key, text in texts.items()}
    if len({len(each) for each in arguments.values()}) != 1 or not next(iter(arguments.values())):
        return [_one_part(texts, {key: hidden(text, secrets[key[0]]) for key, text in texts.items()}, framing)]
    clear = {key: _hide_arguments(arguments[key], texts[key], secrets[key[0]]) for key in texts}
    count = len(next(iter(clear.values())))
    return [compared({key: each[at] for key, each in clear.items()}) for at in range(count)]


def _one_part(texts: Mapping[Key, bytes], shown: Mapping[Key, bytes], framing: Framing) -> Varied:
    """Return what varies in a message; its length is a value where it has to be."""
    lengths = {key: announcement(framing, text) for key, text in texts.items()}
    constant = len({len(text) for text in texts.values()}) == 1 and shown == texts
    apart = {key: length.apart(with_inner_length(texts[key], shown[key])) for key, length in lengths.items() if length}
    first = next(iter(lengths.values()))
    if first is None and shown == texts and (measured := _measured_lines(texts)):
        return measured
    if constant or first is None or len(apart) < len(texts):
        return compared(shown)
    head, rest = (compared({key: each[part] for key, each in apart.items()}) for part in (0, 1))
    return first.joined(head, rest) or compared(shown)


def _measured_lines(texts: Mapping[Key, bytes]) -> Varied | None:
    """Return what varies behind a line that ends with the length of the rest; None if there is no such line."""
    lengths = {key: length for key, text in texts.items() if (length := text_announcement(text))}
    if len(lengths) < len(texts):
        return None
    apart = {key: length.apart(texts[key]) for key, length in lengths.items()}
    head, rest = (compared({key: each[part] for key, each in apart.items()}) for part in (0, 1))
    if not any(isinstance(each, Hole) for each in rest):
        return None  # nothing behind the line varies
    return next(iter(lengths.values())).joined(head, rest)


def holes(parts: Sequence[Varied]) -> list[Hole]:
    """Return the parts that vary."""
    return [each for part in parts for each in part if isinstance(each, Hole)]


def pin(parts: Sequence[Varied], first: bytes, variables: Variables, fixed: bool) -> None:
    """Note which values have to keep their number of bytes. `fixed`: the framing demands it."""
    for part in parts:
        for hole, body in _in_body(part):
            if _arguments(first):
                variables.pin(hole, 0)
            elif body or (fixed and hole.width is not None):
                variables.pin(hole, len(hole.first))


def written(parts: Sequence[Varied], first: bytes, variables: Variables, fixed: bool) -> Text:
    """Return the text of a message. `first`: as it was first; `fixed`: the framing demands that sizes stay."""
    if _arguments(first):
        return _command(parts, variables)
    (part,) = parts
    binary = not is_text(first)
    measured = any(isinstance(each, str) for each in part)
    text: Text = []
    for each in part:
        if isinstance(each, bytes):
            text += [piece for known in marked(each) for piece in _timed(known, binary, variables)]
        elif isinstance(each, str):
            text.append(each)
        elif _stays(each, part) or (fixed and each.width is None and not measured):
            text += marked(each.first)
        else:
            text.append(variables.proposed(each, binary))
    return _merged(text)


def _in_body(part: Varied) -> Iterator[tuple[Hole, bool]]:
    """Yield what varies, and whether a head says its length."""
    head = None if "{length}" in part else _head(part)
    body = False
    for each in part:
        if isinstance(each, Hole):
            yield each, body
        elif isinstance(each, bytes):
            body = body or (head is not None and head in each)


def _merged(text: Text) -> Text:
    """Return a text with neighbouring bytes as one."""
    merged: Text = []
    for each in text:
        if isinstance(each, bytes) and merged and isinstance(last := merged[-1], bytes):
            merged[-1] = last + each
        else:
            merged.append(each)
    return [each for each in merged if each]


def _timed(known: bytes | str, binary: bool, variables: Variables) -> Text:
    """Return a part of a message with {time} where it has the time of the recording."""
    if isinstance(known, str) or binary:
        return [known]
    found: Text = []
    for at, each in enumerate(_SECONDS.split(known)):
        found.append((at % 2 and variables.now(each)) or each)
    return [each for each in found if each]


def marked(data: bytes) -> Text:
    """Return bytes with the names of secrets as values."""
    found: Text = []
    at = 0
    for match in _MARKED.finditer(data):
        found += [data[at : match.start()], f"{{{match[1].decode()}}}"]
        at = match.end()
    return [each for each in (*found, data[at:]) if each]


def _command(parts: Sequence[Varied], variables: Variables) -> Text:
    """Return a Redis command; the length of an argument is measured where it isn't known."""
    text: Text = [b"*%d\r\n" % len(parts)]
    for part in parts:
        argument: Text = []
        for each in part:
            argument += [variables.proposed(each, False)] if isinstance(each, Hole) else _known(each)
        sizes = [size_of(each) for each in argument]
        if None in sizes and "{length}" not in text:
            text += [b"$", "{length}", b"\r\n", "{<}", *argument, "{>}", b"\r\n"]
        else:
            text += [b"$%d\r\n" % sum(size or 0 for size in sizes), *argument, b"\r\n"]
    return _merged(text)


def _known(piece: bytes | str) -> Text:
    return marked(piece) if isinstance(piece, bytes) else [piece]


def _arguments(text: bytes) -> list[bytes]:
    """Return the arguments of a single Redis command, [] if it is none."""
    return list(_read_arguments(text)) if re.match(rb"\*\d+\r\n\$", text) else []


def _read_arguments(text: bytes) -> Iterator[bytes]:
    at = text.index(b"\n") + 1
    found = []
    while match := _ARGUMENT.match(text, at):
        at = match.end() + int(match[1]) + 2
        found.append(text[match.end() : at - 2])
    if at == len(text) and len(found) == int(text[1 : text.index(b"\r")]):
        yield from found


def _hide_arguments(arguments: list[bytes], text: bytes, secrets: Mapping[bytes, str]) -> list[bytes]:
    # As a part of the whole message, so that a short secret is known by its place.
    shown = hidden(text, secrets)
    return [
        MARK + secrets[each].encode() + MARK
        if each in secrets and each not in shown.split(b"\r\n")
        else hidden(each, secrets)
        for each in arguments
    ]


def _stays(hole: Hole, part: Varied) -> bool:
    """Whether a part is written as it was at first: a length in digits, or one with different secrets in it."""
    return _is_length(hole, part) or any(MARK in value for value in hole.values.values())


def _is_length(hole: Hole, part: Varied) -> bool:
    """Whether a part is the size of another one, in digits."""
    if not all(value.isdigit() for value in hole.values.values()):
        return False
    others = [each for each in part if isinstance(each, Hole) and each is not hole]
    return any(
        all(
            int(value) - len(other.values[key]) == int(hole.first) - len(other.first)
            for key, value in hole.values.items()
        )
        for other in others
    ) and any(other.width is None for other in others)


def _head(part: Varied) -> bytes | None:
    """Return the end of the head, if it seems to say the length of what follows; values there keep their length."""
    fixed = b"".join(each for each in part if isinstance(each, bytes))
    if re.match(rb"(?i)(?:set|add|replace|append|prepend|cas|h?pub) ", fixed):
        return b"\r\n"
    return b"\r\n\r\n" if re.search(rb"(?i)content-length:", fixed) else None
