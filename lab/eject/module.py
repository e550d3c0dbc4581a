"""The module of a session: its description, imports, helper functions, and the class."""

import re
import shlex
import textwrap
from collections.abc import Iterable, Mapping

from lab import folders
from lab.eject.code import WIDTH, Needs, in_docstring, indented, pattern, quoted
from lab.eject.messages import measures
from lab.eject.replies import field_of
from lab.eject.steps import SILENCE, Steps
from rawsocket.conversation.plan import Expectation, FramingPlan, Plan, Push, Step, Template, Value
from rawsocket.shapes.document import from_document
from rawsocket.shapes.shape import Shape

HELPERS = {
    "letters": '''def letters(size: int) -> bytes:
    """Return so many random letters and digits."""
    return "".join(random.choices(string.ascii_letters + string.digits, k=size)).encode()''',
    "reject": '''def reject(frame: bytes, rejected: object) -> bool:
    """Fail at once if a frame is rejected."""
    if rejected:
        raise Wrong(f"{frame[:40]!r} is rejected")
    return False''',
}
_MODULES_OF = {"letters": ("random", "string"), "reject": ()}


def module(plan: Plan, settings: Mapping[str, str], target: str, rows: str = "") -> str:
    """Return the source of a session that says what a plan says.

    `settings`: those that the conversation implies; `target`: the name of the scenario, for the command in its
    description; `rows`: the name of the file with the data.
    """
    needs = Needs()
    followed = [more.pattern for more in plan.framing.more]
    pipelined = any(step.inflight > 1 for step in plan.steps)
    steps = Steps(needs, plan.file, _used(plan), followed, bool(plan.pushes), pipelined)
    body = _class(plan, steps, rows)
    for helper in needs.helpers & _MODULES_OF.keys():
        needs.modules.update(_MODULES_OF[helper])
    parts = [f'"""{_title(plan)}\n\n    {_command(target, settings)}\n"""', "\n".join(needs.imports())]
    parts += [_replies(plan, steps)] if plan.framing.more else []
    parts[1] = "\n".join(needs.imports())  # the framing of the replies needs some as well
    functions = [HELPERS[name] for name in sorted(needs.helpers & HELPERS.keys())]
    return "\n\n".join(parts) + "\n\n\n" + "\n\n\n".join([*functions, "\n".join(body)]) + "\n"


def _title(plan: Plan) -> str:
    return f"The conversation of {in_docstring(plan.file)}, as a session in Python."


def _command(target: str, settings: Mapping[str, str]) -> str:
    """Return the command that runs it with the settings that the conversation implies."""
    given = (f"{name}={shlex.quote(text)}" for name, text in settings.items())
    lines = textwrap.wrap(
        folders.command("load", f"SCENARIO={target}", *given), WIDTH, break_long_words=False, break_on_hyphens=False
    )
    return " \\\\\n      ".join(map(in_docstring, lines))


def class_name(name: str) -> str:
    """Return the name of a class for the name of a conversation."""
    words = re.findall(r"[A-Za-z0-9]+", name.rpartition("/")[2])
    found = "".join(word[:1].upper() + word[1:] for word in words)
    return found if found[:1].isalpha() else f"Conversation{found}"


def _replies(plan: Plan, steps: Steps) -> str:
    """Return the framing of what arrives, whose frames raw bytes may follow."""
    home = "rawsocket.conversation."
    steps.needs.use("FollowedBy", home + "framings")
    steps.needs.use("More", home + "plan")
    more = ", ".join(f'More({pattern(each.pattern)}, "{each.group}", {each.extra})' for each in plan.framing.more)
    receives = plan.framing.arguments.get("receive", plan.framing)
    assert isinstance(receives, FramingPlan)
    plain = steps.framing(FramingPlan(receives.name, receives.arguments))
    return f"# Raw bytes follow some frames, and belong to their messages.\nREPLIES = FollowedBy({plain}, ({more},))"


def _class(plan: Plan, steps: Steps, rows: str) -> list[str]:
    needs = steps.needs
    lines = [f"class {class_name(plan.name)}({needs.use('SessionUser')}):"]
    lines += [f'    """{in_docstring(plan.name)}, step by step."""', "", f"    framing = {steps.framing(plan.framing)}"]
    lines += indented(_attributes(plan, steps, rows), 4)
    methods = [_session(plan, steps), *_more_methods(plan, steps)]
    for method in methods:
        lines += ["", *indented(method, 4)]
    return lines


def _attributes(plan: Plan, steps: Steps, rows: str) -> list[str]:
    lines = []
    if plan.data is not None:
        repeat = ", repeat=True" if plan.data.repeat else ""
        lines.append(f"row = {steps.needs.use('CsvRows')}({quoted(rows)}{repeat})")
    if plan.rounds or _connects(plan):
        lines.append("holds = False")
    if plan.shape is not None:
        lines.append(_shape(from_document(plan.shape), steps))
    if unjudged := [connect_row(plan, step) for step in plan.connect if step.name]:
        names = [quoted(row) for row in dict.fromkeys(unjudged)]
        lines.append(f"not_judged = ({', '.join(names)}{',' if len(names) == 1 else ''})")
    if any(step.kind == "receive" for step in (*plan.connect, *plan.steps, *plan.goodbye)):
        lines.append("accepts_pushes = True")
    return lines


def _shape(shape: Shape, steps: Steps) -> str:
    values = {field: getattr(shape, field) for field in shape.KEYS}
    given = (f"{name}={quoted(value) if isinstance(value, str) else value}" for name, value in values.items())
    return f"shape = {steps.needs.use(type(shape).__name__)}({', '.join(given)})"


def _connects(plan: Plan) -> bool:
    """Whether the steps themselves open the connection."""
    return any(step.kind == "connect" for step in plan.steps)


def connect_row(plan: Plan, step: Step) -> str:
    """Return the row of a step of the connect part: judged rows of the same name must not have its messages."""
    judged = {each.name for each in (*plan.steps, *plan.goodbye) if each.kind == "send"}
    return f"{step.name} (connect)" if step.name in judged else step.name


def _session(plan: Plan, steps: Steps) -> list[str]:
    """Return the method that is the life of a user."""
    use = steps.needs.use
    use("Session")
    if not plan.steps:
        body = ["yield from self.open()", "while True:", f"    yield {use('Wait')}({SILENCE})"]
        return ["def session(self) -> Session:", *indented(body, 4)]
    round_ = ["if every:", f"    yield {use('Due')}(every)"]
    if not _connects(plan):
        round_ += ["if self.connection is None:", "    yield from self.open()"]
    round_ += [line for step in plan.steps for line in steps.lines(step)]
    body = ['every = self.option("every")']
    if plan.rounds:
        end = ["yield from self.goodbye()"] if plan.goodbye else []
        body += ["while True:", f"    for _ in range({plan.rounds}):", *indented(round_, 8)]
        body += ["    if self.connection is not None:", *indented([*end, *steps.close()], 8)]
    else:
        body += [] if _connects(plan) else ["yield from self.open()"]
        body += ["while True:", *indented(round_, 4)]
    return ["def session(self) -> Session:", *indented(body, 4)]


def _more_methods(plan: Plan, steps: Steps) -> Iterable[list[str]]:
    yield _open(plan, steps)
    if plan.goodbye:
        lines = [line for step in plan.goodbye for line in steps.lines(step)]
        yield ["def goodbye(self) -> Session:", *indented(lines, 4)]
    if plan.pushes:
        yield from _pushes(plan.pushes, steps)
    if plan.heartbeat is not None and measures(plan.heartbeat.message):
        lines, message = steps.messages(1).message(plan.heartbeat.message)
        yield ["def beat(self) -> bytes:", *indented([*lines, f"return {message}"], 4)]
    if plan.match is not None:
        module = steps.needs.module("re") if plan.match.request.pattern or plan.match.reply.pattern else "re"
        yield [
            "def request_key(self, payload: bytes) -> bytes | None:",
            f"    return {field_of(plan.match.request, module, 'payload')}",
        ]
        yield [
            "def reply_key(self, message: bytes) -> bytes | None:",
            f"    return {field_of(plan.match.reply, module, 'message')}",
        ]
    if "worker" in steps.needs.helpers:
        yield [
            "@property",
            "def worker(self) -> int:",
            '    return max(0, getattr(self.environment.runner, "worker_index", 0))',
        ]


def _open(plan: Plan, steps: Steps) -> list[str]:
    lines = ["self.captured = {}"] if _used(plan) else []
    lines += [f"yield {steps.needs.use('Connect')}()"]
    lines += [line for step in plan.connect for line in steps.lines(step, connect_row(plan, step) if step.name else "")]
    lines += steps.heartbeat(plan.heartbeat) if plan.heartbeat else []
    return ["def open(self) -> Session:", *indented(lines, 4)]


def _pushes(pushes: Iterable[Push], steps: Steps) -> Iterable[list[str]]:
    messages = steps.messages(1)
    replies = steps.replies(steps.messages(1, ahead=0))
    tests = [(replies.test(push.match, "message") or "True", push) for push in pushes]
    whole = " or ".join(test for test, _ in tests)
    whole = f"bool({whole})" if ".search(" in whole else whole
    yield ["def is_push(self, message: bytes) -> bool:", f"    return {whole}"]
    if not any(push.answer for _, push in tests):
        return
    while tests[-1][1].answer is None:
        tests.pop()
    lines = ["def on_push(self, message: bytes) -> bytes | None:"]
    for test, push in tests:
        lines += [f"    if {'found := ' if push.match.kind == 'regex' else ''}{test}:"]
        answer = "None"
        if push.answer is not None:
            groups = re.compile(push.match.pattern).groupindex if push.match.kind == "regex" else {}
            names = {
                value.name for value in push.answer.pieces if isinstance(value, Value) and value.source == "capture"
            }
            lines += [f'        self.captured["{name}"] = found["{name}"]' for name in sorted(names & set(groups))]
            before, answer = messages.message(push.answer)
            lines += indented(before, 8)
        lines += [f"        return {answer}"]
    yield [*lines, "    return None"]


def _used(plan: Plan) -> set[str]:
    """Return the names of the captures that a message uses."""
    templates = [step.message for step in (*plan.connect, *plan.steps, *plan.goodbye) if step.message]
    expectations: list[Expectation] = [
        each
        for step in (*plan.connect, *plan.steps, *plan.goodbye)
        for each in (*step.expect, *step.reject, *filter(None, [step.until]))
    ]
    captured = {name for step in (*plan.connect, *plan.steps, *plan.goodbye) for name in step.captures}
    if plan.heartbeat is not None:
        templates.append(plan.heartbeat.message)
        expectations += [plan.heartbeat.expect] if plan.heartbeat.expect else []
    templates += [push.answer for push in plan.pushes if push.answer]
    templates += [each.text for each in expectations if each.text]
    return captured | {value.name for template in templates for value in _captures(template)}


def _captures(template: Template) -> list[Value]:
    return [value for value in template.pieces if isinstance(value, Value) and value.source == "capture"]
