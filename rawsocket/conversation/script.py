"""Turns the steps of a plan into steps of a session. Pure.

Strategy: everything that is known before the run is made once. A step that is always the same is one object for all
users; one with values is a function that makes it for a user. So a session only yields one after the other.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rawsocket.conversation import answers
from rawsocket.conversation.answers import Answer
from rawsocket.conversation.framings import FollowedBy, framing_of
from rawsocket.conversation.plan import HeartbeatPlan, Plan, Step, Template, Value
from rawsocket.conversation.pushes import Pushes
from rawsocket.conversation.templates import CAPTURE, Maker, Sender, Sources, draw, drawn, maker
from rawsocket.users import steps
from rawsocket.wire.framing import Framing

SILENCE = 3600.0  # seconds of one wait of a conversation without steps


class Op:
    """A step of the session: `step`, or what `make(user)` returns. `after(user, result)` is called when it is done."""

    __slots__ = ("after", "line", "make", "step")

    def __init__(
        self,
        line: int,
        step: Any = None,
        make: Callable[[Any], Any] | None = None,
        after: Callable[[Any, Any], None] | None = None,
    ) -> None:
        self.line = line
        self.step = step
        self.make = make
        self.after = after


@dataclass(frozen=True)
class Script:
    """The parts of a conversation.

    `opening`: the connect and what follows it, empty if the steps themselves connect. `turn`: one round on an open
    connection; `opening_turn`: one that begins with the connect. `goodbye`: the last words; `closing`: with the close.
    """

    opening: tuple[Op, ...]
    turn: tuple[Op, ...]
    opening_turn: tuple[Op, ...]
    goodbye: tuple[Op, ...]
    closing: tuple[Op, ...]


class Writer:
    """Writes the script of a plan."""

    def __init__(self, plan: Plan, sources: Sources, framing: Framing, pushes: Pushes) -> None:
        self._plan = plan
        self._sources = sources
        self._framing = framing
        self._pushes = pushes
        self.captures = captured(plan)
        self._numbers = numbers_steps(plan)
        self._judged = {step.name for step in (*plan.steps, *plan.goodbye) if step.kind == "send"}

    def script(self) -> Script:
        """Return the script."""
        plan = self._plan
        connects = any(step.kind == "connect" for step in plan.steps)
        opening = self._opening()
        turn = tuple(op for step in plan.steps for op in (opening if step.kind == "connect" else self._ops(step)))
        turn = turn or (Op(0, steps.Wait(SILENCE)),)
        opening = () if connects else opening
        goodbye = tuple(map(self._op, plan.goodbye))
        return Script(opening, turn, opening + turn, goodbye, self._closing(goodbye))

    def connect_row(self, step: Step) -> str:
        """Return the row of a step of the connect part: judged rows of the same name must not have its messages."""
        return f"{step.name} (connect)" if step.name in self._judged else step.name

    def _opening(self) -> tuple[Op, ...]:
        ops = [Op(0, steps.Connect(), after=_forgetter(self.captures, self._numbers))]
        ops += [self._op(step, self.connect_row(step)) for step in self._plan.connect]
        if self._plan.heartbeat is not None:
            ops.append(self._heartbeat(self._plan.heartbeat))
        return tuple(ops)

    def _closing(self, goodbye: tuple[Op, ...]) -> tuple[Op, ...]:
        """Return the end of a connection after its last round: no more heartbeats, the goodbye, the close."""
        stop = [] if self._plan.heartbeat is None else [Op(0, steps.StopHeartbeats())]
        *replies, close = self._ops(Step("close", 0))
        return (*replies, *stop, *goodbye, close)

    def _ops(self, step: Step) -> list[Op]:
        """Return a step; before a close of its own a connection waits for the replies to pipelined messages."""
        op = self._op(step)
        waits = step.kind == "close" and not step.reset and any(one.inflight > 1 for one in self._plan.steps)
        return [Op(step.line, steps.Answered()), op] if waits else [op]

    def _op(self, step: Step, name: str | None = None) -> Op:
        writers = {"send": self._send, "raw": self._raw, "part": self._part, "receive": self._receive}
        if step.kind not in writers:
            return Op(step.line, _plain(step))
        op = writers[step.kind](step, step.name if name is None else name)
        return _numbered(op) if self._numbers and step.kind == "send" else op

    # -- messages -----------------------------------------------------------------------------------------------

    def _send(self, step: Step, name: str) -> Op:
        assert step.message is not None
        shared = _shared(step)
        payload = maker(step.message, self._sources, shared)
        if not step.reply:
            return self._made(step, payload, lambda payload: steps.Send(payload, name, reply=False))
        answer = answers.answer_of(step, self._context(shared))
        inflight = 1 if step.captures or answer.keep else step.inflight
        op = self._request(step, payload, answer, name, inflight)
        if shared and op.make is not None:
            op.make = _drawing(draw(shared, self._sources), op.make)
        op.after = answer.keep
        return op

    def _request(self, step: Step, payload: Maker, answer: Answer, name: str, inflight: int) -> Op:
        expect, until, bind = answer.expect, answer.until, answer.bind
        is_echo = self._is_echo(step)
        if isinstance(payload, bytes) and bind is None:
            return Op(step.line, steps.Request(payload, name, payload if is_echo else expect, inflight, until))
        make = payload if callable(payload) else _always(payload)
        if is_echo:
            return Op(step.line, make=lambda sender: _echo(make(sender), name, inflight))
        if bind is not None:
            return Op(step.line, make=lambda sender: steps.Request(make(sender), name, *bind(sender, inflight)))
        return Op(step.line, make=lambda sender: steps.Request(make(sender), name, expect, inflight, until))

    def _is_echo(self, step: Step) -> bool:
        """Return whether the only correct reply is one frame, the message itself."""
        is_one = step.until is None and step.frames < 2 and len(step.expect) == 1
        is_text = is_one and step.expect[0].kind == "exact" and step.expect[0].text == step.message
        return is_text and not step.captures and not isinstance(self._framing.receives, FollowedBy)

    def _raw(self, step: Step, name: str) -> Op:
        return self._made(step, self._message(step), steps.SendRaw)

    def _part(self, step: Step, name: str) -> Op:
        return self._made(step, self._message(step), lambda payload: steps.SendPart(payload, step.size))

    def _made(self, step: Step, payload: Maker, make: Callable[[bytes], Any]) -> Op:
        if isinstance(payload, bytes):
            return Op(step.line, make(payload))
        return Op(step.line, make=lambda sender: make(payload(sender)))

    def _message(self, step: Step) -> Maker:
        assert step.message is not None
        return maker(step.message, self._sources)

    # -- all else -----------------------------------------------------------------------------------------------

    def _receive(self, step: Step, name: str) -> Op:
        answer = answers.push_of(step, self._context(()))
        pushes, bind = self._pushes, answer.bind

        def receive(sender: Any) -> steps.Receive:
            expect = answer.expect if bind is None else bind(sender, 1)[0]
            only = pushes.only(answer.rule, sender)
            return steps.Receive(step.seconds, name or None, expect, step.required, only=only)

        if bind is None and pushes.is_constant:
            return Op(step.line, receive(None), after=answer.keep)
        return Op(step.line, make=receive, after=answer.keep)

    def _heartbeat(self, beat: HeartbeatPlan) -> Op:
        shared = _shared_of_beat(beat)
        payload = maker(beat.message, self._sources, shared)
        answer = answers.beat_of(beat, self._context(shared))

        def heartbeat(payload: Any, expect: Any) -> steps.Heartbeat:
            return steps.Heartbeat(beat.every, payload, expect, beat.name, beat.reply, beat.idle)

        if isinstance(payload, bytes) and answer.bind is None:
            return Op(0, heartbeat(payload, answer.expect))
        make = payload if callable(payload) else _always(payload)
        if shared:
            make = _drawing(draw(shared, self._sources), make)
        return Op(0, make=lambda sender: heartbeat(*answers.beats(sender, make, answer)))

    def _context(self, shared: Sequence[Any]) -> answers.Context:
        receives = self._framing.receives
        head = receives.head if isinstance(receives, FollowedBy) else None
        return answers.Context(self._sources, shared, head, receives.delimits, frozenset(used_captures(self._plan)))


def _plain(step: Step) -> Any:
    """Return the step of a session for one that has no message."""
    if step.kind == "wait":
        return steps.Wait(step.seconds or 0)
    if step.kind == "close":
        return steps.Close(step.reset)
    if step.kind == "start-tls":
        return steps.StartTls()
    if step.kind == "shutdown":
        return steps.ShutdownWrite()
    if step.kind == "framing":
        assert step.framing is not None
        return steps.SetFraming(framing_of(step.framing))
    return steps.Throttle(step.send_rate, step.receive_rate)


def _shared(step: Step) -> list[Value]:
    """Return the values that a message shares with what is expected of its reply."""
    return drawn([*([] if step.message is None else [step.message]), *answers.templates(step)])


def _shared_of_beat(beat: HeartbeatPlan) -> list[Value]:
    return drawn([beat.message, *answers.texts([beat.expect] if beat.expect else [])])


def draws(plan: Plan) -> bool:
    """Return whether values are drawn before a message is made."""
    steps = _all_steps(plan)
    return any(map(_shared, steps)) or (plan.heartbeat is not None and bool(_shared_of_beat(plan.heartbeat)))


def numbers_steps(plan: Plan) -> bool:
    """Return whether a push is expected that has the number of the last message of a step."""
    received = [one for step in _all_steps(plan) if step.kind == "receive" for one in (*step.expect, *step.reject)]
    templates = answers.texts([*received, *(push.match for push in plan.pushes)])
    return any(isinstance(piece, Value) and piece.name == "n" for one in templates for piece in one.pieces)


def _numbered(op: Op) -> Op:
    """Return the step of a message whose number is noted when it is made."""
    step, make = op.step, op.make

    def numbered(sender: Any) -> Any:
        sender.step_no = sender.message_no + 1
        return step if make is None else make(sender)

    return Op(op.line, make=numbered, after=op.after)


def _forgetter(captures: Sequence[str], numbers: bool) -> Callable[[Any, Any], None] | None:
    """Return the function that forgets what was captured, and numbered, on an earlier connection."""
    if not captures and not numbers:
        return None
    names = [CAPTURE + name for name in captures]

    def forget(sender: Any, result: Any) -> None:
        for name in names:
            setattr(sender, name, b"")
        if numbers:
            sender.step_no = 0

    return forget


def _always(payload: bytes) -> Callable[[Sender], bytes]:
    return lambda sender: payload


def _drawing(draw_all: Callable[[Sender], None], make: Callable[[Sender], Any]) -> Callable[[Sender], Any]:
    def drawing(sender: Sender) -> Any:
        draw_all(sender)
        return make(sender)

    return drawing


def _echo(payload: bytes, name: str, inflight: int) -> steps.Request:
    """Return a request whose only correct reply is the message itself: one object, which the engine frames once."""
    return steps.Request(payload, name, payload, inflight)


def _all_steps(plan: Plan) -> tuple[Step, ...]:
    return (*plan.connect, *plan.steps, *plan.goodbye)


def captured(plan: Plan) -> tuple[str, ...]:
    """Return the names of all captures that are kept."""
    names = used_captures(plan)
    for step in _all_steps(plan):
        names |= set(step.captures)
    for push in plan.pushes:
        if push.answer is not None and push.match.kind == "regex":
            names |= set(re.compile(push.match.pattern).groupindex)
    return tuple(sorted(names))


def used_captures(plan: Plan) -> set[str]:
    """Return the names of the captures that a message or an expectation uses."""
    values = [piece for template in _all_templates(plan) for piece in template.pieces if isinstance(piece, Value)]
    return {value.name for value in values if value.source == "capture"}


def _all_templates(plan: Plan) -> Iterable[Template]:
    for step in _all_steps(plan):
        yield from answers.templates(step)
        if step.message is not None:
            yield step.message
    if plan.heartbeat is not None:
        yield plan.heartbeat.message
    yield from (push.answer for push in plan.pushes if push.answer is not None)
