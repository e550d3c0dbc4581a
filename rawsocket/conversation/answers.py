"""What the reply to a message must be, as the engine takes it: `expect` and `until` of a step. Pure.

Strategy: if the only correct reply is known, it is bytes, which the engine compares without a call. Everything else is
a function that raises Wrong with what was expected and what came. A reply of several frames is checked frame by frame,
as they come, so that a wrong or rejected one fails at once.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rawsocket.conversation.expectations import Find, Head, Rule, Ruler, finder, ruler
from rawsocket.conversation.plan import Expectation, HeartbeatPlan, Step, Template, Value
from rawsocket.conversation.templates import CAPTURE, Sender, Sources, maker
from rawsocket.errors import Wrong
from rawsocket.wire.payload import judge, shorten

#: Arguments of a Request behind payload and name: expect, inflight, until.
Arguments = tuple[Any, int, Any]


@dataclass(frozen=True)
class Context:
    """What the expectations of a step need to know.

    `shared`: values that are drawn already. `head`: of a framing whose frames raw bytes may follow. `delimits`: whether
    the framing decides where a message ends. `used`: captures that a message uses.
    """

    sources: Sources
    shared: Sequence[Value] = ()
    head: Head | None = None
    delimits: bool = True
    used: frozenset[str] = frozenset()

    def ruler(self, expectation: Expectation) -> Ruler:
        """Return the rule of an expectation, or the function that makes it."""
        return ruler(expectation, self.sources, self.shared, self.head)


@dataclass(frozen=True)
class Answer:
    """`expect` and `until` of a step; `bind` makes them, with values, when the message is sent.

    `keep(user, reply)` keeps what the step captures. `rule`: what a push must be.
    """

    expect: Any = None
    until: Any = None
    bind: Callable[[Sender, int], Arguments] | None = None
    keep: Callable[[Any, Any], None] | None = None
    rule: Ruler | None = None


@dataclass(frozen=True)
class Wanted:
    """The rules of a reply, all bytes of which are known."""

    rules: Sequence[Rule]
    rejects: Sequence[Rule]
    end: Rule | None = None
    frames: int = 1
    fields: Mapping[str, Find] = field(default_factory=dict)
    delimits: bool = True

    @property
    def is_single(self) -> bool:
        """Whether the reply is one frame."""
        return self.end is None and self.frames == 1

    def arguments(self) -> tuple[Any, Any]:
        """Return `expect` and `until`."""
        if not self.is_single:
            return None, self._until()
        rule = self.rules[0] if self.rules else None
        if rule is not None and rule.text is not None and not self.fields:
            return rule.text, None
        says_nothing = (rule is None or rule.kind == "any") and not (self.rejects or self.fields)
        return None if says_nothing else self._expect(rule), None

    def _expect(self, rule: Rule | None) -> Callable[[bytes], bool]:
        met, rejects, fields = None if rule is None else rule.met, self.rejects, self.fields

        def expect(message: bytes) -> bool:
            if rejects:
                _reject(rejects, message)
            if met is not None and not met(message):
                if self.delimits:
                    raise _wrong(message, rule)
                return False  # more may come
            if fields:
                _check_fields(fields, (message,))
            return True

        return expect

    def _until(self) -> Callable[[list[bytes]], bool]:
        rules, rejects, end = self.rules, self.rejects, self.end

        def until(frames: list[bytes]) -> bool:
            last, number = frames[-1], len(frames)
            _reject(rejects, last)
            if 1 < len(rules) >= number and not rules[number - 1].met(last):
                raise _wrong(last, rules[number - 1], f" in frame {number}")
            if not (number >= self.frames if end is None else end.met(last)):
                return False
            if len(rules) == 1 and not rules[0].met(last):
                raise _wrong(last, rules[0], f" in frame {number}, the last one")
            if 1 < len(rules) > number:
                raise Wrong(f"{number} frames instead of {len(rules)}, the last one {shorten(last)}")
            _check_fields(self.fields, frames)
            return True

        return until


def templates(step: Step) -> list[Template]:
    """Return the texts that a step expects."""
    return texts([*step.expect, *step.reject, *([] if step.until is None else [step.until])])


def texts(expectations: Iterable[Expectation]) -> list[Template]:
    """Return the texts of these expectations."""
    return [one.text for one in expectations if one.text is not None]


def answer_of(step: Step, context: Context) -> Answer:
    """Return what the reply to a message must be."""
    rules = [context.ruler(one) for one in step.expect]
    rejects = [context.ruler(one) for one in step.reject]
    end = None if step.until is None else context.ruler(step.until)
    frames = step.frames or max(1, len(rules))
    fields = {name: _first(finder(one), context.head) for name, one in step.captures.items()}
    keep = _keeper(fields, [*rules, *([] if end is None else [end])], context)
    if all(isinstance(one, Rule) for one in (*rules, *rejects, end or Rule("any", 0))):
        expect, until = Wanted(rules, rejects, end, frames, fields, context.delimits).arguments()  # type: ignore[arg-type]
        return Answer(expect, until, keep=keep)
    if frames == 1 and end is None and not fields and _is_text(step.expect, context):
        text: Any = maker(step.expect[0].text, context.sources, context.shared)  # type: ignore[arg-type]
        return Answer(bind=lambda sender, inflight: (text(sender), inflight, None), keep=keep)

    def bind(sender: Sender, inflight: int) -> Arguments:
        wanted = Wanted(
            [bound(one, sender) for one in rules],
            [bound(one, sender) for one in rejects],
            None if end is None else bound(end, sender),
            frames,
            fields,
            context.delimits,
        )
        expect, until = wanted.arguments()
        return expect, inflight, until

    return Answer(bind=bind, keep=keep)


def push_of(step: Step, context: Context) -> Answer:
    """Return what the push must be that a step receives."""
    context = replace(context, sources=replace(context.sources, sent=True))
    answer = answer_of(step, context)
    rule = context.ruler(step.expect[0]) if step.expect else None
    return Answer(answer.expect, None, answer.bind, answer.keep, rule)


def beat_of(beat: HeartbeatPlan, context: Context) -> Answer:
    """Return what the reply to a heartbeat must be."""
    step = Step("send", 0, expect=() if beat.expect is None else (beat.expect,))
    return answer_of(step, context)


def beats(sender: Sender, make: Callable[[Sender], bytes], answer: Answer) -> tuple[Callable[[], bytes], Any]:
    """Return the function that makes each heartbeat, and what its reply must be."""
    bind = answer.bind
    if bind is None:
        return lambda: make(sender), answer.expect
    awaited: deque[Any] = deque()

    def payload() -> bytes:
        message = make(sender)
        awaited.append(bind(sender, 1)[0])
        return message

    def expect(reply: bytes) -> bool:
        failure = judge(awaited.popleft(), reply)
        if failure is not None:
            raise failure
        return True

    return payload, expect


def bound(rule: Ruler, sender: Sender) -> Rule:
    """Return the rule for the next message of a user."""
    return rule if isinstance(rule, Rule) else rule(sender)


def _is_text(expectations: Sequence[Expectation], context: Context) -> bool:
    """Return whether the only correct reply is a text with values, and no gaps."""
    if len(expectations) != 1 or expectations[0].kind != "exact" or context.head is not None:
        return False
    text = expectations[0].text
    return text is not None and not any(isinstance(one, Value) and one.name == "?" for one in text.pieces)


def _keeper(fields: Mapping[str, Find], rules: Iterable[Ruler], context: Context) -> Callable[[Any, Any], None] | None:
    """Return the function that keeps captures: those of the step, and groups of patterns that a message uses."""
    finds = dict(fields)
    for rule in rules:
        if isinstance(rule, Rule):
            for name in context.used.intersection(rule.groups):
                finds[name] = _first(_grouper(rule, name), context.head)
    if not finds:
        return None
    attributes = [(CAPTURE + name, find) for name, find in finds.items()]

    def keep(sender: Any, reply: Any) -> None:
        if reply is None:
            return
        frames = reply if isinstance(reply, list) else (reply,)
        for name, find in attributes:
            setattr(sender, name, _found(find, frames) or b"")

    return keep


def _grouper(rule: Rule, name: str) -> Find:
    return lambda message: rule.group(name, message)


def _first(find: Find, head: Head | None) -> Find:
    """Return a function that looks in the frame of a message first, then in all of it."""
    if head is None:
        return find

    def first(message: bytes) -> bytes | None:
        found = find(head(message))
        return find(message) if found is None else found

    return first


def _found(find: Find, frames: Iterable[bytes]) -> bytes | None:
    """Return a field from the first frame that has it."""
    for frame in frames:
        found = find(frame)
        if found is not None:
            return found
    return None


def _check_fields(fields: Mapping[str, Find], frames: Sequence[bytes]) -> None:
    for name, find in fields.items():
        if _found(find, frames) is None:
            raise Wrong(f"no {name} to capture in {shorten(frames[-1])}")


def _reject(rejects: Sequence[Rule], message: bytes) -> None:
    for rule in rejects:
        if rule.met(message):
            raise Wrong(f"{shorten(message)} is rejected: {rule}")


def _wrong(message: bytes, rule: Rule | None, where: str = "") -> Wrong:
    return Wrong(f"{shorten(message)} instead of {rule}{where}")
