"""What was said on the connection of a check, and how it ended: a document that a process can print. Pure.

Entries are in the order of time. Their kinds:

- part: the connect, a step, the heartbeat or the goodbye begins; `text` is what it does, `place` where it is written
- open: the connection is open
- sent: bytes that were sent
- frame: bytes that arrived and that the framing takes for one message, its frame included
- rest: bytes that arrived and are no whole frame
- capture: `text` is its name, `data` its value
- note: anything else worth a line
- closed: the server has ended the connection
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

PART, OPEN, SENT, FRAME, REST, CAPTURE, NOTE, CLOSED = (
    "part", "open", "sent", "frame", "rest", "capture", "note", "closed",
)  # fmt: skip
RECEIVED = (FRAME, REST)

# Why a check has failed, and the exit code: the server did not do what the scenario says, the scenario can't be played
# (a mistake in it), nothing could be connected to, or this program failed.
SERVER, MISTAKE, UNREACHABLE, PROGRAM = "server", "mistake", "unreachable", "program"
EXIT_CODES = {SERVER: 3, MISTAKE: 2, UNREACHABLE: 2, PROGRAM: 1}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the dialogue; `at_ms` counts from when the connection was open."""

    at_ms: float
    kind: str
    text: str = ""
    place: str = ""
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Failure:
    """The step that failed. `name`: a name of rawsocket.errors, or a class of Python. `hints`: what may be wrong."""

    why: str
    name: str
    detail: str = ""
    step: str = ""
    place: str = ""
    expected: str = ""
    arrived: str = ""
    hints: tuple[str, ...] = ()


@dataclass(slots=True)
class Dialogue:
    """One round of one user class."""

    scenario: str
    target: str
    framing: str = ""
    entries: list[Entry] = field(default_factory=list)
    failure: Failure | None = None
    ms: float = 0.0  # from the start of the connect to the end

    @property
    def exit_code(self) -> int:
        """0 if everything was as the scenario says."""
        return 0 if self.failure is None else EXIT_CODES[self.failure.why]

    def count(self, *kinds: str) -> int:
        """Return the number of entries of these kinds."""
        return sum(entry.kind in kinds for entry in self.entries)

    def to_json(self) -> str:
        """Return it as one line of JSON; bytes as hex."""
        return json.dumps({**asdict(self), "entries": [_plain(entry) for entry in self.entries]})

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Dialogue":
        """Return the dialogue of the document that `to_json` wrote."""
        found = dict(document)
        failure = found.pop("failure")
        entries = [Entry(**{**entry, "data": bytes.fromhex(entry["data"])}) for entry in found.pop("entries")]
        told = None if failure is None else Failure(**{**failure, "hints": tuple(failure["hints"])})
        return cls(**found, entries=entries, failure=told)


def line_of(dialogue: Dialogue) -> str:
    """Return a dialogue as the line of a process that the lab reads."""
    return f'{{"check": {dialogue.to_json()}}}'


def _plain(entry: Entry) -> dict[str, Any]:
    return {**asdict(entry), "data": entry.data.hex()}


def turns(entries: Iterable[Entry], kinds: tuple[str, ...]) -> list[bytes]:
    """Return what one side sent (`kinds`), in pieces that end where the other side sent something."""
    return [data for is_of_kind, data in _joined(entries, kinds) if is_of_kind]


def _joined(entries: Iterable[Entry], kinds: tuple[str, ...]) -> Iterator[tuple[bool, bytes]]:
    side, gathered = False, bytearray()
    for entry in entries:
        if not entry.data or entry.kind == CAPTURE:
            continue
        if gathered and (entry.kind in kinds) != side:
            yield side, bytes(gathered)
            gathered.clear()
        side = entry.kind in kinds
        gathered += entry.data
    if gathered:
        yield side, bytes(gathered)
