"""Compiles a conversation's file: everything is checked here, so a plan that exists is valid.

`Compiled.settings` are defaults of the lab's settings that the file implies (implied_settings.py).
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lab.conversation import connection_checks, sample_messages
from lab.conversation.implied_settings import implied
from lab.conversation.steps import Steps, names
from lab.conversation.syntax.document import Document, HeartbeatEntry, Pushes, Rows
from lab.conversation.syntax.scope import Scope
from lab.conversation.syntax.source import Map, Mistake, Place, Source, read
from lab.conversation.syntax.structure import structure
from rawsocket.conversation.plan import Data, FramingPlan, HeartbeatPlan, Match, More, Plan, Push, Step

_NO_FRAMING = FramingPlan("Line", {})


@dataclass(frozen=True)
class Compiled:
    """The plan, and the settings that the file implies: {variable: text}."""

    plan: Plan
    settings: Mapping[str, str]


def compiled(path: Path, shown: str = "", name: str = "") -> Compiled:
    """Compile a file. `shown`: its path in messages; `name`: that of the conversation, by default the file's.

    Raises UsageError, one line, for what is wrong.
    """
    source = Source(Path(path), shown or str(path))
    root = read(source)
    if not isinstance(root, Map):
        raise Mistake(
            root.place, f"{root.kind} stands here", "expected the keys of a conversation", "begin with steps:"
        )
    document = structure(root, Document)
    if document.steps is None and document.connect is None:
        raise Mistake(root.place, "the file has no steps", "expected `steps:`, or `connect:` alone", "add steps")
    plan, rows = _plan(document, root, source, name or source.path.stem)
    return Compiled(plan, implied(document, root, rows))


def _plan(document: Document, root: Map, source: Source, name: str) -> tuple[Plan, set[str]]:
    data = _data(document.data) if document.data else None
    framing = document.framing.value if document.framing else _NO_FRAMING
    maker = Steps(Scope(data.columns if data else ()), framing)
    connect = maker.compile(document.connect.value) if document.connect else ()
    after_connect = maker.scope
    heartbeat = _heartbeat(document.heartbeat, maker) if document.heartbeat else None
    steps = maker.compile(document.steps.value) if document.steps else ()
    goodbye = maker.compile(document.goodbye.value) if document.goodbye else ()
    rounds = document.rounds.value if document.rounds else 0
    first, each, last = (part.value if part else [] for part in (document.connect, document.steps, document.goodbye))
    connection_checks.check(first, each, last, framing, rounds)
    plan = Plan(
        name,
        source.shown,
        framing,
        steps,
        connect,
        goodbye,
        rounds=rounds,
        heartbeat=heartbeat,
        pushes=_pushes(document.pushes, after_connect) if document.pushes else (),
        match=Match(*(part.value for part in document.match.value)) if document.match else None,
        data=data,
        shape=document.shape.value if document.shape else None,
    )
    rows = names((*connect, *steps, *goodbye)) | ({plan.heartbeat.name} if plan.heartbeat else set())
    plan = _with_more(plan, tuple(dict.fromkeys(maker.more)))
    sample_messages.check_framing(plan.framing, root["framing"].place if document.framing else root.place)
    sample_messages.check(maker.samples, data)
    return plan, rows


def _with_more(plan: Plan, more: tuple[More, ...]) -> Plan:
    """Return the plan with what follows some frames, in each of its framings."""

    def in_steps(steps: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(replace(s, framing=replace(s.framing, more=more)) if s.framing else s for s in steps)

    if not more:
        return plan
    return replace(
        plan,
        framing=replace(plan.framing, more=more),
        steps=in_steps(plan.steps),
        connect=in_steps(plan.connect),
        goodbye=in_steps(plan.goodbye),
    )


def _heartbeat(entry: HeartbeatEntry, maker: Steps) -> HeartbeatPlan:
    if not entry.every.value:
        raise Mistake(entry.every.place, "a heartbeat every 0 s", "expected a time above 0", "write 30s")
    reply = entry.reply is None or entry.reply.value
    if entry.expect and not reply:
        raise Mistake(entry.expect.place, "`expect` beside `reply: no`", "no reply comes", "remove one of them")
    return HeartbeatPlan(
        entry.every.value,
        maker.message(entry.send),
        entry.name.value if entry.name else "heartbeat",
        entry.expect.plan(maker.scope) if entry.expect else None,
        reply,
        bool(entry.idle and entry.idle.value),
    )


def _pushes(pushes: Pushes, scope: Scope) -> tuple[Push, ...]:
    return tuple(
        Push(
            each.match.plan(scope),
            each.answer.template(scope.with_captures(each.match.groups)) if each.answer else None,
        )
        for each in pushes.value
    )


def _data(rows: Rows) -> Data:
    name, repeat = rows.value
    path = name.place.source.path.parent / name.value
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Mistake(
            name.place, f"the data of {name.value} can't be read: {reason}",
            "expected a CSV file, whose path begins in the folder of the conversation", "correct the path or the file",
        ) from None  # fmt: skip
    columns, *lines = _csv(Source(path, str(Path(name.place.source.shown).parent / name.value)), text)
    return Data(tuple(columns), tuple(map(tuple, lines)), repeat)


def _csv(source: Source, text: str) -> list[list[str]]:
    """Return the names of the columns and the rows. Raises Mistake, with a place in the CSV file."""
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    found: list[list[str]] = []
    try:
        for row in reader:
            if not any(row):
                continue
            place = Place(source, reader.line_num, 1)
            if not found:
                row = [name.strip() for name in row]
                if "" in row or len(set(row)) < len(row):
                    raise Mistake(place, "columns without a name or with the same", "expected one each", "correct them")
            elif len(row) != len(found[0]):
                raise Mistake(place, f"{len(row)} of {len(found[0])} values", "expected one a column", "correct it")
            found.append(row)
    except csv.Error as error:
        raise Mistake(
            Place(source, reader.line_num, 1), f"this is no CSV: {error}", "expected values with commas between",
            "correct the line",
        ) from None  # fmt: skip
    if len(found) < 2:
        raise Mistake(
            Place(source, 1, 1), "there are no rows", "expected the names of the columns, then a line for each user",
            "add them",
        )  # fmt: skip
    return found
