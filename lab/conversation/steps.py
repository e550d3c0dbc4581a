"""Steps of the file become steps of the plan: their values are looked up, and what contradicts itself is refused."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lab.conversation.sample_messages import Sample
from lab.conversation.syntax.expectations import Expect
from lab.conversation.syntax.scope import Scope
from lab.conversation.syntax.source import Mistake
from lab.conversation.syntax.step_entries import SendEntry, StepNode
from lab.conversation.syntax.structure import given
from lab.conversation.syntax.text import Text
from rawsocket.conversation.plan import FramingPlan, More, Step, Template

_WORDS = {"starttls": "start-tls"}
#: What makes no sense for a message without a reply.
_OF_REPLIES = ("expect", "reject", "until", "frames", "then", "inflight", "capture")


@dataclass
class Steps:
    """Makes the steps of one conversation, in the order in which they are executed.

    `scope` knows the captures of all steps so far; `framing` is the one that they are in now; `more` is what follows
    some frames; `samples` are the messages.
    """

    scope: Scope
    framing: FramingPlan
    more: list[More] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    _sends: int = 0

    def compile(self, nodes: list[StepNode]) -> tuple[Step, ...]:
        """Return the steps for the plan. Raises Mistake."""
        return tuple(self._step(node) for node in nodes)

    def _step(self, node: StepNode) -> Step:
        kind = _WORDS.get(node.kind, node.kind)
        arguments = getattr(self, f"_{node.kind}")(node, node.entry) if node.entry is not None else {}
        return Step(kind, node.node.place.line, **arguments)  # type: ignore[arg-type]

    def message(self, text: Text) -> Template:
        """Return a message for the plan. Raises Mistake."""
        template = text.template(self.scope)
        self.samples.append(Sample(template, text.place, self.framing))
        return template

    def _send(self, node: StepNode, entry: SendEntry) -> dict[str, Any]:
        self._sends += 1
        _check_send(node, entry)
        found = self._replies(entry)
        found |= {
            "message": self.message(entry.send),
            "name": entry.name.value if entry.name else entry.send.first_word or f"send{self._sends}",
            "reply": entry.reply is None or entry.reply.value,
            "frames": entry.frames.value if entry.frames else 0,
            "inflight": entry.inflight.value if entry.inflight else 1,
        }
        if entry.then:
            self.more.append(_more(node, entry))
        self._remember(entry.capture, entry.expect.value if entry.expect and found["inflight"] == 1 else ())
        return found

    def _replies(self, entry: SendEntry) -> dict[str, Any]:
        """Return what is expected of the reply, with the captures of the steps before."""
        return {
            "expect": tuple(each.plan(self.scope) for each in (entry.expect.value if entry.expect else ())),
            "reject": tuple(each.plan(self.scope) for each in (entry.reject.value if entry.reject else ())),
            "until": entry.until.plan(self.scope) if entry.until else None,
            "captures": entry.capture.value if entry.capture else {},
        }

    def _remember(self, captures: Any, expectations: Any) -> None:
        names = [*(captures.value if captures else ()), *(name for each in expectations for name in each.groups)]
        self.scope = self.scope.with_captures(names)

    def _raw(self, node: StepNode, entry: Any) -> dict[str, Any]:
        return {"message": entry.raw.template(self.scope), "reply": False}

    def _part(self, node: StepNode, entry: Any) -> dict[str, Any]:
        if not entry.part.size.value:
            raise Mistake(entry.part.size.place, "`bytes: 0`", "expected 1 or more", "correct it, or remove the step")
        return {"message": self.message(entry.part.send), "size": entry.part.size.value, "reply": False}

    def _receive(self, node: StepNode, entry: Any) -> dict[str, Any]:
        found = {
            "expect": (entry.receive.plan(self.scope),),
            "name": entry.name.value if entry.name else "",
            "seconds": entry.timeout.value if entry.timeout else None,
            "required": entry.required is None or entry.required.value,
            "captures": entry.capture.value if entry.capture else {},
        }
        if entry.timeout and not entry.timeout.value:
            raise Mistake(entry.timeout.place, "a timeout of 0", "expected a time above 0", "write 5s, or forever")
        self._remember(entry.capture, [entry.receive])
        return found

    def _wait(self, node: StepNode, entry: Any) -> dict[str, Any]:
        return {"seconds": entry.wait.value}

    def _close(self, node: StepNode, entry: Any) -> dict[str, Any]:
        return {"reset": entry.close.value}

    def _framing(self, node: StepNode, entry: Any) -> dict[str, Any]:
        self.framing = entry.framing.value
        return {"framing": self.framing}

    def _throttle(self, node: StepNode, entry: Any) -> dict[str, Any]:
        rates = {name: rate.value for name, rate in given(entry.throttle).items()}
        if not rates or not all(rates.values()):
            raise Mistake(
                node.at("throttle"), "a rate is missing", "expected {send: 10kb} or {receive: 1kb}, above 0", "add it"
            )
        return {"send_rate": rates.get("send"), "receive_rate": rates.get("receive")}


def _check_send(node: StepNode, entry: SendEntry) -> None:
    set_ = given(entry)
    if entry.reply and not entry.reply.value:
        for name in _OF_REPLIES:
            if name in set_:
                raise Mistake(node.at(name), f"`{name}` beside `reply: no`", "no reply comes", "remove one of them")
    if entry.until and entry.frames:
        raise Mistake(node.at("frames"), "`until` and `frames`", "one of them ends the reply", "remove one of them")
    for name, value in (("frames", entry.frames), ("inflight", entry.inflight)):
        if value and not value.value:
            raise Mistake(value.place, f"`{name}: 0`", "expected 1 or more", "correct it, or remove the key")
    if entry.inflight and entry.inflight.value > 1 and entry.capture:
        raise Mistake(
            node.at("capture"), "`capture` of a reply that is not waited for", "`inflight` goes on without it",
            "remove one of them",
        )  # fmt: skip
    expected = len(entry.expect.value) if entry.expect else 0
    if expected > 1 and entry.frames and entry.frames.value != expected:
        raise Mistake(
            node.at("frames"), f"`frames: {entry.frames.value}` and {expected} expectations",
            "expected one for each frame, or one for the last", "correct one of them",
        )  # fmt: skip
    if expected > 1 and entry.until:
        raise Mistake(
            node.at("until"), f"`until` and {expected} expectations", "expected one, for the last frame",
            "remove `until`: the list says how many frames come",
        )  # fmt: skip
    if not any(entry.send.value):
        raise Mistake(entry.send.place, "an empty message", "expected at least one byte", "write a text")


def _more(node: StepNode, entry: SendEntry) -> More:
    assert entry.then
    group, extra = entry.then.size.value
    place = entry.then.size.place
    expected: list[Expect] = entry.expect.value if entry.expect else []
    pattern = expected[-1].pattern if expected else None
    if pattern is None:
        raise Mistake(
            node.at("then"), "`then` without an expectation of the frame",
            "expected `expect` with a regex, or with a text without values", "add it: bytes follow frames that match",
        )  # fmt: skip
    if group and group not in expected[-1].groups:
        raise Mistake(
            place, f"there is no group `{group}` in the regex of `expect`", r"expected one such as (?P<len>\d+)",
            "name the group in the regex",
        )  # fmt: skip
    if not group and not extra:
        raise Mistake(place, "no bytes follow", "expected 1 or more", "remove `then`")
    return More(pattern, group, extra)


def names(steps: Iterable[Step]) -> set[str]:
    """Return the rows of the statistics that steps have."""
    return {step.name for step in steps if step.name}
