"""Expectations as Python expressions: the arguments `expect` and `until` of a step, and what is captured."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from lab.conversation.syntax.expectations import pattern_of_text
from lab.eject.code import pattern
from lab.eject.messages import Messages
from rawsocket.conversation.plan import Expectation, Field, Step, Value

#: The framing of the replies if raw bytes follow some frames: it finds the frame of a message.
HEAD = "REPLIES.head"
# Stands for a value in an expression; no message has it.
_GAP = b"\x00\x01value\x01\x00"


@dataclass
class Replies:
    """Makes the code for the replies of one step.

    `head`: whether raw bytes may follow the frame. `used`: captures that a message uses.
    """

    messages: Messages
    head: bool
    used: Collection[str]

    def arguments(self, step: Step) -> list[str]:
        """Return the arguments `expect` and `until`."""
        frames = step.frames or max(1, len(step.expect))
        if step.until is None and frames == 1:
            return self._single(step)
        return self._several(step, frames)

    def test(self, expectation: Expectation, subject: str) -> str:
        """Return the expression that is true if a message meets an expectation, "" if every message does."""
        kind = expectation.kind
        if kind == "any":
            return ""
        if kind == "size":
            return f"len({subject}) == {expectation.size}"
        if kind == "regex":
            return f"{self._re}.search({pattern(expectation.pattern)}, {self._framed(subject)})"
        assert expectation.text is not None
        if any(isinstance(piece, Value) and piece.name == "?" for piece in expectation.text.pieces):
            return self._gaps(expectation, subject)
        text, framed = self.messages.expression(expectation.text), self._framed(subject)
        return {
            "exact": f"{framed} == {text}",
            "prefix": f"{framed}.startswith({text})",
            "suffix": f"{framed}.endswith({text})",
            "contains": f"{text} in {framed}",
        }[kind]

    def captured(self, step: Step) -> list[str]:
        """Return the lines that keep what the reply has; `reply` is the reply."""
        several = step.until is not None or (step.frames or len(step.expect)) > 1
        subject = "frame" if several else "reply"
        finds = {name: self._find(field, subject) for name, field in step.captures.items()}
        for expectation in (*step.expect, *([step.until] if step.until else [])):
            finds |= {name: self._group(expectation.pattern, name, subject) for name in self._groups(expectation)}
        return [
            f'self.captured["{name}"] = ' + (f"next({found} for frame in reply if {test})" if several else found)
            for name, (found, test) in finds.items()
        ]

    @property
    def _re(self) -> str:
        return self.messages.needs.module("re")

    def _framed(self, subject: str) -> str:
        return f"{HEAD}({subject})" if self.head else subject

    def _single(self, step: Step) -> list[str]:
        only = step.expect[0] if step.expect else None
        if only and only.kind == "exact" and not (step.captures or self.head) and not _has_gaps(only):
            assert only.text is not None
            return [f"expect={self.messages.expression(only.text)}"]
        tests = [self.test(only, "reply")] if only else []
        if not only or only.kind != "exact":  # a reply that is rejected is another one
            tests += [_negated(self.test(each, "reply")) for each in step.reject]
        tests += [self._has(field, "reply") for field in step.captures.values()]
        tests = [test for test in tests if test]
        return [self.function("expect", "reply", _joined(tests))] if tests else []

    def _several(self, step: Step, frames: int) -> list[str]:
        last = "frames[-1]"
        ends = f"len(frames) >= {frames}" if step.until is None else self.test(step.until, last)
        rejects = [test for each in step.reject if (test := self.test(each, last))]
        until = ends or "True"
        if rejects:
            helper = self.messages.needs.helper("reject")
            self.messages.needs.use("Wrong")
            until = f"{helper}({last}, {' or '.join(rejects)}) or {until}"
        if len(step.expect) == 1:
            tests = [self.test(step.expect[0], last)]
        else:
            tests = [self.test(each, f"frames[{at}]") for at, each in enumerate(step.expect)]
        if len(step.expect) > 1 and step.until is None:
            tests.insert(0, f"len(frames) == {len(step.expect)}")
        tests += [f"any({self._has(field, 'frame')} for frame in frames)" for field in step.captures.values()]
        tests = [test for test in tests if test]
        expect = [self.function("expect", "frames", _joined(tests))] if tests else []
        return [self.function("until", "frames", until), *expect]

    def function(self, argument: str, parameter: str, body: str) -> str:
        """Return an argument that is a function; it keeps the variables of its own message."""
        kept = [name for name in self.messages.variables.values() if re.search(rf"\b{name}\b", body)]
        parameters = ", ".join([parameter, *(f"{name}={name}" for name in kept)])
        return f"{argument}=lambda {parameters}: {body}"

    def _gaps(self, expectation: Expectation, subject: str) -> str:
        """Return the test of a text in which some bytes may be anything."""
        assert expectation.text is not None
        form, values = b"", []
        for piece in expectation.text.pieces:
            if isinstance(piece, bytes):
                form += re.escape(piece)
            elif piece.name == "?":
                form += b"."
            else:
                form += _GAP
                values.append(f"{self._re}.escape({self.messages.whole([self.messages.value(piece)])})")
        around = {"exact": rb"\A%s\Z", "prefix": rb"\A%s", "suffix": rb"%s\Z", "contains": b"%s"}[expectation.kind]
        form = b"(?s)" + around % form
        if values:
            form = form.replace(b"%", b"%%").replace(_GAP, b"%b")
            filled = f"{pattern(form)} % ({', '.join(values)}{',' if len(values) == 1 else ''})"
            return f"{self._re}.search({filled}, {self._framed(subject)})"
        return f"{self._re}.search({pattern(form)}, {self._framed(subject)})"

    def _groups(self, expectation: Expectation) -> list[str]:
        if expectation.kind != "regex":
            return []
        return [name for name in re.compile(expectation.pattern).groupindex if name in self.used]

    def _has(self, field: Field, subject: str) -> str:
        """Return the test of whether a message has a field."""
        if field.pattern:
            return f"{self._re}.search({pattern(field.pattern)}, {self._framed(subject)})"
        return f"len({subject}) >= {field.at + field.size}"

    def _find(self, field: Field, subject: str) -> tuple[str, str]:
        """Return the expression of a field of a message, and the test of whether it is there."""
        if field.pattern:
            found = f"{self._re}.search({pattern(field.pattern)}, {self._framed(subject)})"
            return f"{found}[{1 if re.compile(field.pattern).groups else 0}]", found
        return f"{self._framed(subject)}[{field.at}:{field.at + field.size}]", self._has(field, subject)

    def _group(self, expression: bytes, name: str, subject: str) -> tuple[str, str]:
        found = f"{self._re}.search({pattern(expression)}, {self._framed(subject)})"
        return f'{found}["{name}"] or b""', found


def pattern_of(expectation: Expectation) -> bytes | None:
    """Return an expectation without values as an expression, as `then` has it."""
    if expectation.kind == "regex":
        return expectation.pattern
    if expectation.text is None or not all(isinstance(piece, bytes) for piece in expectation.text.pieces):
        return None
    return pattern_of_text(expectation.kind, b"".join(expectation.text.pieces))  # type: ignore[arg-type]


def field_of(field: Field, needs_re: str, subject: str) -> str:
    """Return the expression of the id in a message."""
    if not field.pattern:
        return f"{subject}[{field.at}:{field.at + field.size}]"
    group = 1 if re.compile(field.pattern).groups else 0
    return f"(found := {needs_re}.search({pattern(field.pattern)}, {subject})) and found[{group}]"


def _negated(test: str) -> str:
    return f"not {test}" if re.fullmatch(r"[\w.]+\(.*\)", test) else f"not ({test})" if test else "False"


def _joined(tests: list[str]) -> str:
    return " and ".join(tests)


def _has_gaps(expectation: Expectation) -> bool:
    assert expectation.text is not None
    return any(isinstance(piece, Value) and piece.name == "?" for piece in expectation.text.pieces)
