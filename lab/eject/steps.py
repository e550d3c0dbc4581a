"""Steps of a conversation as lines of a session."""

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from lab.eject.code import Needs, call, literal, quoted
from lab.eject.messages import Messages, measures
from lab.eject.replies import Replies, pattern_of
from rawsocket.conversation.plan import Expectation, FramingPlan, HeartbeatPlan, Step, Template

#: Seconds of one wait of a conversation without steps.
SILENCE = 3600
#: Arguments of framings that need no name.
_FIRST = {"Delimiter": "mark", "Fixed": "size", "UntilPattern": "pattern", "IdleGap": "seconds"}


@dataclass
class Steps:
    """Makes the lines of steps. `used`: captures that a message uses; `followed`: frames that raw bytes follow;
    `pushes`, `pipelined`: whether there are pushes and pipelined messages."""

    needs: Needs
    file: str
    used: Collection[str] = ()
    followed: Collection[bytes] = ()
    pushes: bool = False
    pipelined: bool = False

    def messages(self, line: int, ahead: int = 1) -> Messages:
        """Return what makes the messages of a step."""
        return Messages(self.needs, f"{self.file}:{line}", ahead)

    def replies(self, messages: Messages, expected: Iterable[Expectation] = ()) -> Replies:
        """Return what makes the expectations of a step."""
        return Replies(messages, any(pattern_of(each) in self.followed for each in expected), self.used)

    def lines(self, step: Step, name: str = "") -> list[str]:
        """Return the lines of a step. `name`: its row, if it is another one."""
        makers: dict[str, Callable[[Step, str], list[str]]] = {
            "send": self._send,
            "raw": self._raw,
            "part": self._part,
            "receive": self._receive,
        }
        if step.kind in makers:
            return makers[step.kind](step, name or step.name)
        if step.kind == "close":
            return self.close(step.reset)
        return [f"yield {self._plain(step)}"] if step.kind != "connect" else ["yield from self.open()"]

    def close(self, reset: bool = False) -> list[str]:
        """Return the lines that end a connection: after the replies to pipelined messages, unless by a reset."""
        waits = [f"yield {self.needs.use('Answered')}()"] if self.pipelined and not reset else []
        return [*waits, f"yield {self.needs.use('Close')}({'reset=True' if reset else ''})"]

    def heartbeat(self, beat: HeartbeatPlan) -> list[str]:
        """Return the lines of a heartbeat."""
        messages = self.messages(1)
        if measures(beat.message):
            payload = "self.beat"  # a method of its own
        else:
            message = messages.expression(beat.message)
            payload = message if _is_constant(beat.message) else f"lambda: {message}"
        arguments = [f"{beat.every:g}", payload]
        expect = Step("send", 1, expect=(beat.expect,) if beat.expect else ())
        arguments += self.replies(messages).arguments(expect)
        arguments += [f"name={quoted(beat.name)}"] if beat.name != "heartbeat" else []
        arguments += [*(["reply=False"] if not beat.reply else []), *(["idle=True"] if beat.idle else [])]
        return call(self.needs.use("Heartbeat"), arguments, 0, "yield ")

    def framing(self, plan: FramingPlan) -> str:
        """Return the expression of a framing."""
        texts = [
            self._argument(value) if name in (_FIRST.get(plan.name),) else f"{name}={self._argument(value)}"
            for name, value in plan.arguments.items()
        ]
        made = f"{self.needs.use(plan.name)}({', '.join(texts)})"
        if not plan.more:
            return made
        return f"{self.needs.use('Framings')}({made}, REPLIES)"

    def _argument(self, value: object) -> str:
        if isinstance(value, FramingPlan):
            return self.framing(value)
        return literal(value) if isinstance(value, bytes) else repr(value)

    def _send(self, step: Step, name: str) -> list[str]:
        assert step.message is not None
        messages = self.messages(step.line)
        replies = self.replies(messages, step.expect)
        expected = [each.text for each in (*step.expect, *step.reject, *filter(None, [step.until])) if each.text]
        direct = len(step.expect) == 1 and step.expect[0].kind == "exact" and not step.captures and not step.frames
        lines = messages.shared([step.message, *(expected if direct else [])], [] if direct else expected)
        lines += [line for text in expected if direct for line in messages.expected(text)]
        before, message = messages.message(step.message)
        arguments = [message, f"name={quoted(name)}"]
        if not step.reply:
            return lines + before + call(self.needs.use("Send"), [*arguments, "reply=False"], 0, "yield ")
        arguments += replies.arguments(step)
        captured = replies.captured(step)
        if step.inflight > 1 and not captured:
            arguments.append(f"inflight={step.inflight}")
        kept = "reply = " if captured else ""
        return lines + before + call(self.needs.use("Request"), arguments, 0, f"{kept}yield ") + captured

    def _raw(self, step: Step, name: str) -> list[str]:
        lines, message = self._message(step)
        return lines + call(self.needs.use("SendRaw"), [message], 0, "yield ")

    def _part(self, step: Step, name: str) -> list[str]:
        lines, message = self._message(step)
        return lines + call(self.needs.use("SendPart"), [message, str(step.size)], 0, "yield ")

    def _message(self, step: Step) -> tuple[list[str], str]:
        assert step.message is not None
        messages = self.messages(step.line)
        lines = messages.shared([step.message])
        before, message = messages.message(step.message)
        return lines + before, message

    def _receive(self, step: Step, name: str) -> list[str]:
        messages = self.messages(step.line, ahead=0)
        replies = self.replies(messages)
        arguments = [f"name={quoted(name)}"] if name else []
        if step.seconds is not None:
            forever = math.isinf(step.seconds)
            arguments.append(f"timeout={self.needs.module('math') + '.inf' if forever else f'{step.seconds:g}'}")
        arguments += ["required=False"] if not step.required else []
        lines = messages.shared([], [each.text for each in step.expect if each.text])
        arguments += replies.arguments(step)
        if self.pushes and step.expect and (taken := replies.test(step.expect[0], "message")):
            arguments.append(replies.function("only", "message", taken))  # other pushes may come before it
        captured = replies.captured(step)
        if captured and not step.required:
            captured = ["if reply is not None:", *(f"    {line}" for line in captured)]
        kept = "reply = " if captured else ""
        return lines + call(self.needs.use("Receive"), arguments, 0, f"{kept}yield ") + captured

    def _plain(self, step: Step) -> str:
        """Return the expression of a step that has no message."""
        use = self.needs.use
        if step.kind == "wait":
            return f"{use('Wait')}({step.seconds or 0:g})"
        if step.kind == "framing":
            assert step.framing is not None
            return f"{use('SetFraming')}({self.framing(step.framing)})"
        if step.kind == "throttle":
            rates = (("send", step.send_rate), ("receive", step.receive_rate))
            return f"{use('Throttle')}({', '.join(f'{name}={rate:g}' for name, rate in rates if rate)})"
        return f"{use({'start-tls': 'StartTls', 'shutdown': 'ShutdownWrite'}[step.kind])}()"


def _is_constant(template: Template) -> bool:
    return all(isinstance(piece, bytes) for piece in template.pieces)
