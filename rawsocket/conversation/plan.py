"""The plan of a conversation: what `lab` makes of a YAML file, and workers execute. Pure.

`lab/conversation/` reads the file and checks everything; a plan that exists is valid. It crosses from the lab to master
and workers as a JSON file, whose path is in HOLDFAST_CONVERSATION: `Plan.to_json` and `Plan.from_json`. Bytes are text
there, one character from U+0000 to U+00FF for each byte.

What the file says about settings (target, timeout, thresholds, TLS, users) is not in the plan: the lab makes settings
of it, unless they are given.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

BUILT_IN = ("user", "n", "worker", "random", "time", "uuid", "length", "crc32", "sum")


@dataclass(frozen=True, slots=True)
class Value:
    """A part of a message that is filled in when it is sent.

    `source`: `built-in` (name: one of BUILT_IN), `column` (of the CSV file), `capture` (of an earlier reply), or
    `mark`: `<` and `>`, the ends of what length measures, write nothing; `?`, in what is expected, is any byte.
    `format`: what stands after the colon in the file, "" if nothing does.
    """

    source: Literal["built-in", "column", "capture", "mark"]
    name: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """Bytes with values in between, in their order."""

    pieces: tuple[bytes | Value, ...]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a message must be: exactly a text, or something that says less.

    `kind`: any, exact, prefix, suffix, contains (all three: `text`), regex (`pattern`, searched for), size (`size`).
    Named groups of a pattern are captures.
    """

    kind: Literal["any", "exact", "prefix", "suffix", "contains", "regex", "size"]
    text: Template | None = None
    pattern: bytes = b""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Field:
    """Bytes of a message: `size` bytes at `at`, or the first group of `pattern` if it has one."""

    at: int = 0
    size: int = 0
    pattern: bytes = b""


@dataclass(frozen=True, slots=True)
class More:
    """After a frame that matches `pattern`, `extra` raw bytes more than its group `group` says belong to the message.

    `group` "": just `extra` bytes.
    """

    pattern: bytes
    group: str
    extra: int


@dataclass(frozen=True, slots=True)
class FramingPlan:
    """A framing by the name of its class in `rawsocket.wire.framing`, and its arguments.

    `more`: what follows some frames, whatever the framing says (`then` in the file).
    """

    name: str
    arguments: Mapping[str, "int | float | bool | str | bytes | FramingPlan"]
    more: tuple[More, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `line` is its line in the file.

    `kind` and what it uses:

    - send: `message`, `name`, `reply`, `expect`, `until`, `frames`, `reject`, `captures`, `inflight`
    - raw: `message`, sent without a frame; no reply
    - part: `message`, of which only `size` bytes are sent
    - receive: `name`, `expect`, `seconds` (None: the reply timeout), `required`, `captures`: the next push
    - wait: `seconds`
    - connect, close (`reset`), start-tls, shutdown
    - framing: `framing`
    - throttle: `send_rate`, `receive_rate` in bytes a second
    """

    kind: Literal[
        "send", "raw", "part", "receive", "wait", "connect", "close", "start-tls", "shutdown", "framing", "throttle"
    ]
    line: int
    name: str = ""
    message: Template | None = None
    reply: bool = True
    # One for each frame of the reply, or a single one: for its only frame; with `until` or `frames` for its last.
    expect: tuple[Expectation, ...] = ()
    until: Expectation | None = None  # the frame that ends a reply of several frames
    frames: int = 0  # or their number
    reject: tuple[Expectation, ...] = ()
    captures: Mapping[str, Field] = field(default_factory=dict)
    inflight: int = 1
    size: int = 0
    seconds: float | None = None
    required: bool = True
    reset: bool = False
    framing: FramingPlan | None = None
    send_rate: float | None = None
    receive_rate: float | None = None


@dataclass(frozen=True, slots=True)
class HeartbeatPlan:
    """A message every `every` seconds beside the steps; `idle`: only that long after the last message."""

    every: float
    message: Template
    name: str = "heartbeat"
    expect: Expectation | None = None
    reply: bool = True
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Push:
    """What a message is that is no reply, and the answer that it gets at once, if any.

    A named group of the pattern can be used in the answer.
    """

    match: Expectation
    answer: Template | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Replies belong to the request with the same id, in any order; without one they come in order."""

    request: Field
    reply: Field


@dataclass(frozen=True, slots=True)
class Data:
    """Rows of the users: the user with number n has row n; with `repeat` it begins again after the last row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """One conversation. `file` is its path as the user gave it, for messages."""

    name: str
    file: str
    framing: FramingPlan
    steps: tuple[Step, ...]
    connect: tuple[Step, ...] = ()
    goodbye: tuple[Step, ...] = ()
    # Rounds of `steps` for a connection; then it says goodbye, closes and connects again. 0: for ever.
    rounds: int = 0
    heartbeat: HeartbeatPlan | None = None
    pushes: tuple[Push, ...] = ()
    match: Match | None = None
    data: Data | None = None
    shape: Mapping[str, Any] | None = None  # as rawsocket/shapes reads it

    def to_json(self) -> str:
        """Return it as JSON."""
        return json.dumps(_plain(asdict(self)))

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """Return the plan that `to_json` wrote."""
        plan: Plan = _read(cls, json.loads(text))
        return plan


def load(path: str) -> Plan:
    """Return the plan in a JSON file. Raises ValueError, one line, if there is none."""
    try:
        plan = Plan.from_json(Path(path).read_text(encoding="utf-8"))
        if isinstance(plan, Plan):
            return plan
        found = "something else"
    except OSError as error:
        found = error.strerror or "can't be read"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        found = f"{type(error).__name__}: {error}"
    raise ValueError(
        f"HOLDFAST_CONVERSATION={path}: {found}; expected the plan of a conversation, which the lab writes"
    )


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; bytes are {"bytes": text}, because a piece may be a text or a Value."""
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _read(wanted: Any, value: Any) -> Any:
    """Return what `_plain` made of a value of this type."""
    origin = get_origin(wanted)
    if isinstance(value, dict) and value.keys() == {"bytes"}:
        return value["bytes"].encode("latin-1")
    if value is None:
        return None
    if origin is UnionType:
        kinds = [kind for kind in get_args(wanted) if kind not in (NoneType, bytes)]
        fitting = [kind for kind in kinds if hasattr(kind, "__dataclass_fields__") == isinstance(value, dict)]
        return _read((fitting or kinds)[0], value)
    if origin is tuple:
        return tuple(_read(get_args(wanted)[0], each) for each in value)
    if isinstance(value, dict):
        if not hasattr(wanted, "__dataclass_fields__"):
            of = get_args(wanted)[1] if origin is not None else Any
            return {name: _read(of, each) for name, each in value.items()}
        types = get_type_hints(wanted)
        return wanted(**{each.name: _read(types[each.name], value[each.name]) for each in fields(wanted)})
    return value
