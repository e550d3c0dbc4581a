"""Makes a conversation of recorded connections. Pure.

The order: the framing, messages and replies, what repeats, what varies, what is secret, what is expected.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from statistics import median

from lab.recording.messages import secrets as secret_finder
from lab.recording.messages import words
from lab.recording.messages.dialogue import TOGETHER_S, Dialogue, cut, without_encryption_request
from lab.recording.messages.frames import Both, is_text
from lab.recording.messages.framing import guess, paired
from lab.recording.messages.secrets import MARK
from lab.recording.script import templates
from lab.recording.script.comparison import Compared, Place, compare
from lab.recording.script.differences import Varied
from lab.recording.script.expectations import Expectation, Replied, expected, of_reply, of_value
from lab.recording.script.rounds import SHORT_S, pace
from lab.recording.script.steps import Script, Step
from lab.recording.script.templates import Text
from lab.recording.script.variables import Reply, Variables, escaped, identity, size_of
from lab.recording.traffic import Connection, Traffic
from rawsocket.conversation.framings import FollowedBy
from rawsocket.wire.framing import Fixed, Framing, LengthField, Varint

PLAIN_NAME = re.compile(rb"[A-Za-z][A-Za-z._-]{0,23}")


class NothingRecorded(Exception):
    """There is no message in what was recorded."""


def compose(traffic: Traffic, given: Framing | None = None, keep_secrets: bool = False) -> Script:
    """Return the conversation. `given`: the framing, where it need not be found. Raises NothingRecorded."""
    connections = [without_encryption_request(each) for each in traffic.connections if each.pieces]
    if not connections:
        raise NothingRecorded
    framing = _framing(connections, given)
    dialogues = [cut(each, framing) for each in connections]
    if not any(each.exchanges for each in dialogues):
        raise NothingRecorded
    return _Composer(traffic, connections, dialogues, framing, keep_secrets).script()


def secrets_of(connection: Connection, given: Framing | None = None) -> dict[bytes, str]:
    """Return the secrets of one connection."""
    return _secrets(connection, cut(connection, _framing([connection], given)))


def _secrets(connection: Connection, dialogue: Dialogue) -> dict[bytes, str]:
    return secret_finder.find(dialogue.exchanges, _bursts(connection))


def _bursts(connection: Connection) -> list[bytes]:
    """Return what the client has sent at once each time."""
    return [b"".join(piece.data for piece in burst) for burst in connection.bursts(True, TOGETHER_S)]


def _framing(connections: Sequence[Connection], given: Framing | None) -> Both:
    received = [each.runs(sent=False) for each in connections]
    sent = [_bursts(each) for each in connections]
    if given is not None:
        return paired(given, sent)
    return guess(sent, received, all(each.closed_by == "server" for each in connections))


class _Composer:
    """Makes one script."""

    def __init__(
        self,
        traffic: Traffic,
        connections: Sequence[Connection],
        dialogues: Sequence[Dialogue],
        framing: Both,
        keep_secrets: bool,
    ) -> None:
        self._connections, self._dialogues, self._framing = connections, dialogues, framing
        self._compared = compare(dialogues, framing.written)
        pairs = enumerate(zip(connections, dialogues, strict=True))
        self._secrets = {at: {} if keep_secrets else _secrets(*pair) for at, pair in pairs}
        self._variables = Variables([each.begun for each in connections])
        self._script = Script(framing.written, traffic.target)
        self._fixed = isinstance(framing.receive.framing, LengthField | Fixed) or (
            isinstance(framing.receive.framing, Varint) and framing.receive.framing.offset > 0
        )

    def script(self) -> Script:
        """Return the whole script."""
        compared, script = self._compared, self._script
        places = [*compared.connect, *compared.steps, *compared.goodbye]
        self._variables.share([hole for each in places for hole in templates.holes(self._parts(each))])
        for each in places:
            templates.pin(self._parts(each), each.first.message or b"", self._variables, self._fixed)
        steps = self._steps(places)
        self._set_pace()
        self._set_parts(steps, [each.pause for each in places])
        script.pushes = self._pushes(places)
        if self._fixed and self._framing.one and any(map(_has_any_size, chain(*steps))):
            script.framing = f"{{send: chunk, receive: {self._framing.receive.written}}}"
        self._note(compared)
        return script

    def _set_parts(self, steps: list[list[Step]], pauses: list[float]) -> None:
        """Set the steps of the parts, with pauses between them. `steps`: those of each place."""
        script, begin = self._script, len(self._compared.connect)
        end = begin + len(self._compared.steps)
        script.connect = _paused(steps[:begin], pauses[:begin], first=True)
        single = script.every is None or script.rounds == 1
        if single and 0 < begin < end and pauses[begin] >= SHORT_S:
            script.connect.append(Step(seconds=pauses[begin]))
        script.steps = _paused(steps[begin:end], pauses[begin:end], first=False) + script.steps
        script.goodbye = list(chain(*steps[end:]))
        if not script.connect and not script.steps:
            script.steps, script.goodbye = script.goodbye, []

    def _parts(self, place: Place) -> list[Varied]:
        messages, framing = place.messages, self._framing.receive.framing
        return templates.message_parts(messages, self._secrets, framing) if messages else []

    def _steps(self, places: list[Place]) -> list[list[Step]]:
        """Return the steps of each place: one, but for a greeting of several frames."""
        steps = []
        for at, place in enumerate(places):
            steps.append([self._step(place)] if place.messages else self._greeting(place))
            frames = {key: each[-1] for key, each in place.replies.items() if each}
            shown = {key: secret_finder.hidden(frame, self._secrets[key[0]]) for key, frame in frames.items()}
            self._variables.replies.append(Reply(at, shown))
        for capture in self._variables.captures:
            steps[capture.step][-1].captures[capture.name] = capture.pattern
        return steps

    def _step(self, place: Place) -> Step:
        parts, first = self._parts(place), place.first.message or b""
        self._name_users(parts)
        text = templates.written(parts, first, self._variables, self._fixed)
        value = of_value(place.replies) if isinstance(self._framing.receive.framing, FollowedBy) else None
        replied = value or of_reply(place.replies, self._secrets, self._variables)
        step = Step(text, self._name(first), replied)
        self._describe(step, parts, place)
        return step

    def _greeting(self, place: Place) -> list[Step]:
        """Return a step for each frame that the server has sent by itself; as many as there were each time."""
        steps = []
        for at in range(min(map(len, place.replies.values()))):
            frames = {key: each[at] for key, each in place.replies.items()}
            found = expected(frames, self._secrets, self._variables)
            steps.append(
                Step(name="greeting", replied=Replied(expect=(found,)), notes=[found.note] if found.note else [])
            )
        return steps

    def _name_users(self, parts: list[Varied]) -> None:
        """Take a name that varies beside a secret from the same file as the secret."""
        if not any(isinstance(each, bytes) and MARK in each for part in parts for each in part):
            return
        for hole in templates.holes(parts):
            if hole.of_connection and identity(hole) not in self._variables.used:
                self._variables.used[identity(hole)] = "{name}"

    def _name(self, message: bytes) -> str:
        if name := words.name(message, self._framing.written):
            return name
        if not is_text(message):
            return ""
        first = (message.split(maxsplit=1) or [b""])[0]
        if PLAIN_NAME.fullmatch(first):
            return ""
        found = re.search(rb"[A-Za-z]{2,}", first)
        return found[0].decode() if found else "message"

    def _describe(self, step: Step, parts: list[Varied], place: Place) -> None:
        """Say what was guessed, and note the columns."""
        if step.replied.note:
            step.notes.append(step.replied.note)
        known = {self._variables.used.get(identity(hole)) for hole in templates.holes(parts)}
        for each in dict.fromkeys(step.text):
            if isinstance(each, str) and each.startswith("{time") and each not in known:
                step.notes.append(f"{each}: was the time of the recording")
        for hole in templates.holes(parts):
            binary = not is_text(place.first.message or b"") and not hole.first.isalnum() and MARK not in hole.first
            values = [
                value.hex(" ")[:24] if binary else value.replace(MARK, b"").decode("latin-1")[:20]
                for value in dict.fromkeys(hole.values.values())
            ]
            shown, more = ", ".join(values[:3]), ", ..." if len(values) > 3 else ""
            value = self._variables.used.get(identity(hole)) or "as at first"
            note = f"{value}: was {shown}{more}{_room(value)}"
            if note not in step.notes:
                step.notes.append(note)
        for secret, name in {**self._secrets[next(iter(place.seen))[0]]}.items():
            if f"{{{name}}}" in step.text:
                self._add_column(name)
                if self._fixed and not any(str(each).startswith("{length") for each in step.text):
                    step.notes.append(f"the message says its length: {name} must have {len(secret)} bytes")
        if "{name}" in step.text:
            self._add_column("name", first=True)

    def _add_column(self, name: str, first: bool = False) -> None:
        if name not in self._script.columns:
            self._script.columns.insert(0 if first else len(self._script.columns), name)

    def _set_pace(self) -> None:
        """Set `every` and `rounds`."""
        compared, script = self._compared, self._script
        found = pace(compared.rounds)
        several = len(compared.counts) > 1 and set(compared.counts) == {1}
        closed = all(self._dialogues[at].closed_by == "server" for at in compared.used)
        if several or (closed and not compared.goodbye and compared.counts == [1]):
            script.rounds = compared.counts[0]
        if found.known:
            script.every = found.every
            if found.pause:
                script.steps.append(Step(seconds=found.pause))
        elif script.rounds == 1:
            script.every = self._between_connections()

    def _between_connections(self) -> float | None:
        """Return the seconds from the begin of a connection to that of the next, if they came one after the other."""
        used = [self._connections[at] for at in self._compared.used]
        ends = [each.begun + each.pieces[-1].at for each in used]
        pairs = list(zip(used, used[1:], ends, strict=False))
        if not pairs or any(later.begun < end for _, later, end in pairs):
            return None
        pauses = median(later.begun - end for _, later, end in pairs)
        return 0.0 if pauses < SHORT_S else median(later.begun - earlier.begun for earlier, later, _ in pairs)

    def _pushes(self, places: Iterable[Place]) -> list[tuple[Expectation, Text]]:
        """Return what the messages have in common that the server sent by itself, and no reply has; and answers."""
        replies = [frame for each in places for frames in each.replies.values() for frame in frames]
        found: dict[bytes, tuple[Expectation, Text]] = {}
        for push in self._compared.pushes:
            start = _start(push.frame)
            if not start or any(reply.startswith(start) for reply in replies):
                self._script.notes.append("the server also sent messages by itself that look like replies: see pushes")
                return []
            if push.answer:
                begin, _, end = push.answer.partition(push.rest)
                pattern = f"^{escaped(start).decode('latin-1')} (?P<rest>[^\\r\\n]*)"
                found[start] = Expectation("regex", pattern=pattern), [begin, "{rest}", end]
            found.setdefault(start, (Expectation("prefix", [start]), []))
        return list(found.values())

    def _note(self, compared: Compared) -> None:
        notes = self._script.notes
        messages = sum(len(each.exchanges) for each in self._dialogues)
        count = len(self._connections)
        self._script.recorded = f"{count} connection{'s' * (count != 1)}, {messages} message{'s' * (messages != 1)}"
        if note := self._framing.receive.note:
            notes.append(f"framing: {note}")
        if len(self._connections) == 1:
            notes.append("one connection shows nothing that differs from user to user: record or import a second one")
        if compared.others:
            notes.append(f"{compared.others} other connections had another dialogue, which is not shown")
        if unfinished := sum(each.unfinished for each in self._dialogues):
            notes.append(f"{unfinished} bytes at the end of the recording are no whole message")
        if self._script.every is None and compared.steps:
            notes.append("one round was recorded, which says nothing about `every`: 10s unless it is set")


def _has_any_size(step: Step) -> bool:
    """Whether a message has a value of any size, which its length does not take into account."""
    return None in map(size_of, step.text) and not any(str(each).startswith("{length") for each in step.text)


def _room(value: str) -> str:
    """Return for how many users a number has room, if that may be too few."""
    found = re.fullmatch(r"\{user:0(\d)\}", value)
    return f"; the message says its length: room for {10 ** int(found[1])} users" if found and int(found[1]) < 6 else ""


def _start(push: bytes) -> bytes:
    return push.split(b" ", 1)[0] if is_text(push) else push[:1]


def _paused(places: list[list[Step]], pauses: list[float], first: bool) -> list[Step]:
    """Return steps with the pauses between them. `first`: with the one before the first step."""
    found: list[Step] = []
    for at, (steps, pause) in enumerate(zip(places, pauses, strict=True)):
        if pause >= SHORT_S and (at or first):
            found.append(Step(seconds=pause))
        found += steps
    return found
