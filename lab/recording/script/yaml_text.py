r"""Writes a conversation as the text of its file. Pure.

Rules: a step stands on one line if it is short; a long text of several lines becomes a block, one line each; binary
data are in hex. Comments say where something was guessed. Texts are always quoted, with `\xNN` for a byte that can't
be printed and `{{` for a brace.
"""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from lab.recording.messages.frames import is_text
from lab.recording.script.expectations import Expectation
from lab.recording.script.steps import Script, Step
from lab.recording.script.templates import Text

WIDTH = 100
BLOCK = 90  # characters from which a text of several lines is a block
CONVERTED = ("null", "true", "false", "yes", "no", "on", "off", "y", "n")
_ESCAPES = {"\\": "\\\\", "\r": "\\r", "\t": "\\t", "\0": "\\0", "\x1b": "\\e", "{": "{{", "}": "}}"}

Pairs = list[tuple[str, str | list[str]]]


def conversation(script: Script, name: str) -> str:
    """Return the file. `name`: that of the conversation, for the file of its columns."""
    lines = [f"# Recorded from {script.target}: {script.recorded}."]
    lines += [line for note in script.notes for line in _comment(note, "")]
    lines += [f"framing: {script.framing}", f"target: {script.target}"]
    if script.columns:
        lines += _comment(f"fill {name}.csv: one line for each user, with {' and '.join(script.columns)}", "")
        lines.append(f"data: {name}.csv")
    if script.every is not None:
        lines.append(f"every: {duration(script.every)}")
    if script.rounds:
        lines.append(f"rounds: {script.rounds}")
    if script.pushes:
        written = [_push(*each) for each in script.pushes]
        lines.append(f"pushes: {written[0] if len(written) == 1 else '[' + ', '.join(written) + ']'}")
    for title, steps in (("connect", script.connect), ("steps", script.steps), ("goodbye", script.goodbye)):
        if steps:
            lines += [f"{title}:", *(line for each in steps for line in _step(each))]
    return "\n".join(lines) + "\n"


def duration(seconds: float) -> str:
    """Return seconds as a duration of the file, to the millisecond."""
    milliseconds = round(seconds * 1000)
    if milliseconds % 1000 and milliseconds < 100_000:
        return f"{milliseconds}ms"
    return f"{round(seconds)}s" if milliseconds else "0"


def quoted(text: Text) -> str:
    """Return a text between double quotes."""
    return '"' + _escaped(text).replace('"', '\\"') + '"'


def expectation(each: Expectation) -> str:
    """Return what a frame must be."""
    if each.kind == "any":
        return "any"
    if each.kind == "hex":
        return f'{{hex: "{each.pattern}"}}'
    if each.kind == "regex":
        pattern = each.pattern.replace("\\", "\\\\").replace('"', '\\"')
        return f'{{regex: "{pattern}"}}'
    written = _hex(each.text) if _is_binary(each.text) else quoted(each.text)
    return written if each.kind == "exact" else f"{{{each.kind}: {written}}}"


def _push(each: Expectation, answer: Text) -> str:
    written = expectation(each)
    return f"{written[:-1]}, answer: {quoted(answer)}}}" if answer else written


def _step(step: Step) -> Iterator[str]:
    for note in step.notes:
        yield from _comment(note, "  ")
    if step.seconds:
        yield f"  - wait: {duration(step.seconds)}"
        return
    pairs = _pairs(step)
    short = "  - {" + ", ".join(f"{key}: {value}" for key, value in pairs if isinstance(value, str)) + "}"
    if all(isinstance(value, str) for _, value in pairs) and len(short) <= WIDTH:
        yield short
        return
    for at, (key, value) in enumerate(pairs):
        begin = "    " if at else "  - "
        if isinstance(value, str):
            yield f"{begin}{key}: {value}"
        else:
            yield f"{begin}{key}: {value[0]}".rstrip()
            yield from (f"      {line}".rstrip() for line in value[1:])


def _pairs(step: Step) -> Pairs:
    replied = step.replied
    if not step.text:
        (only,) = replied.expect
        pairs: Pairs = [("receive", expectation(only)), ("name", _name(step.name))]
        return [*pairs, *_captured(step)]
    pairs = [("send", _message(step.text))]
    if step.name:
        pairs.append(("name", _name(step.name)))
    if not replied.reply:
        pairs.append(("reply", "no"))
    expected = [expectation(each) for each in replied.expect if each.kind != "any"]
    if expected:
        pairs.append(("expect", expected[0]))
    if replied.then:
        pairs.append(("then", f'{{bytes: "{replied.then}"}}'))
    if replied.until:
        pairs.append(("until", expectation(replied.until)))
    if replied.frames:
        pairs.append(("frames", str(replied.frames)))
    return [*pairs, *_captured(step)]


def _captured(step: Step) -> Pairs:
    """Return the captures of a step, if it has any."""
    found = (f"{name}: {{regex: {_pattern(pattern)}}}" for name, pattern in step.captures.items())
    return [("capture", "{" + ", ".join(found) + "}")] if step.captures else []


def _name(name: str) -> str:
    """Return a name, in quotes if YAML might read something else."""
    plain = re.fullmatch(r"[A-Za-z][\w-]*", name, re.A) and name.lower() not in CONVERTED
    return name if plain else quoted([name.encode()])


def _message(text: Text) -> str | list[str]:
    """Return a message on one line, or as the lines of a block."""
    if _is_binary(text):
        short = _hex(text)
        words = re.findall(r"\{[^}]*\}|[0-9a-f]{2}", short[len("{hex: ") :])
        return short if len(short) < WIDTH - 14 else ["", "hex: >-", *_wrapped(words)]
    short = quoted(text)
    lines = _escaped(text, end="\n").split("\n")
    if len(short) <= BLOCK or len(lines) < 3 or "\\0" in short:
        return short
    if not lines[-1]:
        lines = [*lines[:-2], lines[-2] + "\\n"]
    return ["|-", *(_block_line(line) for line in lines)]


def _block_line(line: str) -> str:
    """Return a line of a block: blanks at its begin and at its end would be lost."""
    line = re.sub(r"^ ", r"\\x20", line)
    return re.sub(r" $", r"\\x20", line)


def _wrapped(words: list[str]) -> Iterator[str]:
    for at in range(0, len(words), 24):
        yield "  " + " ".join(words[at : at + 24])


def _escaped(text: Text, end: str = "\\n") -> str:
    """Return a text with escapes. `end`: what stands for the end of a line."""
    return "".join(each if isinstance(each, str) else _escaped_bytes(each, end) for each in text)


def _escaped_bytes(data: bytes, end: str) -> str:
    shown = data.decode(errors="surrogateescape")
    return "".join(end if each == "\n" else _ESCAPES.get(each) or _character(each) for each in shown)


def _character(each: str) -> str:
    if "\udc80" <= each <= "\udcff":
        return f"\\x{ord(each) - 0xDC00:02x}"
    return each if each.isprintable() else "".join(f"\\x{byte:02x}" for byte in each.encode())


def _is_binary(text: Text) -> bool:
    data = b"".join(each for each in text if isinstance(each, bytes))
    return not is_text(data) and len(re.sub(rb"[\x20-\x7e\r\n\t]", b"", data)) * 5 > len(data) * 2


def _hex(text: Text) -> str:
    return '{hex: "' + " ".join(each if isinstance(each, str) else each.hex(" ") for each in text) + '"}'


def _pattern(pattern: bytes) -> str:
    source = "".join(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in pattern)
    return '"' + source.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _comment(note: str, indent: str) -> Iterable[str]:
    clean: Sequence[str] = textwrap.wrap(re.sub(r"[^\x20-\x7e]", "?", note), WIDTH - 2 - len(indent))
    return [f"{indent}# {line}" for line in clean]
