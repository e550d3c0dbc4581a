"""Makes the user class of a conversation: an ordinary session, whose steps are those of the plan.

Rules:

- A round begins at the connection's next due time, every EVERY seconds; with EVERY=0 the next round follows at once.
- The first connect is at once. With `rounds`, or if the connection has ended in order (by a step, or by the server
  after a reply that ends with the connection), it is opened when the next round is due.
- A mistake that only a run can find (a message that the framing can't carry) is counted as an error of the scenario, at
  the line of the step in the conversation's file.
"""

import random
import time
from typing import Any, ClassVar, NoReturn

from rawsocket.conversation.data import PlanRows
from rawsocket.conversation.expectations import finder
from rawsocket.conversation.framings import framing_of
from rawsocket.conversation.plan import Match, Plan, Value
from rawsocket.conversation.pushes import Pushes
from rawsocket.conversation.script import Op, Script, Writer, draws, numbers_steps
from rawsocket.conversation.templates import CAPTURE, Sources
from rawsocket.errors import is_mistake
from rawsocket.shapes.document import from_document
from rawsocket.users.session.runner import Session
from rawsocket.users.session_user import SessionUser
from rawsocket.users.steps import Due


class ConversationError(Exception):
    """A mistake of a conversation; `place`: its file and line."""

    def __init__(self, place: str, error: BaseException) -> None:
        super().__init__(str(error))
        self.place = place


class Conversation(SessionUser):
    """A user that says what a plan says; `user_class` makes the class of each plan."""

    __slots__ = ()

    abstract = True
    plan: ClassVar[Plan]
    script: ClassVar[Script]
    pushes: ClassVar[Pushes]
    rows: ClassVar[PlanRows | None] = None
    captures: ClassVar[tuple[str, ...]] = ()
    #: Those of EVERY, SIZE and PACE that have an effect.
    settings_used: ClassVar[tuple[str, ...]] = ()

    columns: tuple[bytes, ...]
    drawn: dict[Value, Any]
    step_no: int
    is_leaving: bool  # whether the goodbye after the last round has begun

    @property
    def worker(self) -> int:
        """The number of this worker, from 0."""
        return max(0, getattr(self.environment.runner, "worker_index", 0))

    def captured(self) -> dict[str, bytes]:
        """Return all captures of this connection."""
        return {name: getattr(self, CAPTURE + name) for name in self.captures}

    @property
    def pace(self) -> Due | None:
        """The step before a round, one object for all users; None: rounds follow at once."""
        config = self.runner.config
        if config.lab_options is None:
            every = self.option("every")
            config.lab_options = (Due(every) if every and self.plan.steps else None,)
        pace: Due | None = config.lab_options[0]
        return pace

    def session(self) -> Session:
        """Connect, and play one round after the other."""
        rows = type(self).rows  # of a user it would be a dict of its row
        if rows is not None:
            self.columns = rows.values(self.number)
        # As few variables as possible: each takes 8 bytes of every connection. The check reads `op` and `turn`.
        turn, op = 0, None
        ops = () if self.plan.rounds else self.script.opening
        try:
            while True:
                for op in ops:
                    if op.after is None:
                        yield op.step or op.make(self)  # type: ignore[misc]
                    else:
                        op.after(self, (yield op.step or op.make(self)))  # type: ignore[misc]
                if self.plan.rounds:
                    self.is_leaving = turn == self.plan.rounds and self.connection is not None
                    turn %= self.plan.rounds
                    if self.is_leaving:
                        ops = self.script.closing
                        continue
                turn += 1
                if self.pace is not None:
                    yield self.pace
                ops = self.script.turn if self.connection is not None else self.script.opening_turn
        except Exception as error:
            self._raise(error, op)

    def _goodbye(self) -> Session:
        """Say the last words: the `goodbye` of a class whose plan has some."""
        if self.plan.rounds and self.is_leaving:
            return  # they are being said
        op = None  # read by the check as well
        try:
            for op in self.script.goodbye:
                if op.after is None:
                    yield op.step or op.make(self)  # type: ignore[misc]
                else:
                    op.after(self, (yield op.step or op.make(self)))  # type: ignore[misc]
        except Exception as error:
            self._raise(error, op)

    def _raise(self, error: Exception, op: Op | None) -> NoReturn:
        """Raise an error again; a mistake says which line of the conversation's file it is in."""
        if not is_mistake(error) or self.is_end(error):
            raise error
        raise ConversationError(f"{self.plan.file}:{op.line if op is not None else 1}", error) from error


def user_class(plan: Plan) -> type[SessionUser]:
    """Return the user class of a plan. Raises ValueError for a plan that can't be played."""
    sources = Sources(time.time, random.Random(), plan.data.columns if plan.data is not None else ())
    pushes = Pushes(plan.pushes, sources)
    framing = framing_of(plan.framing)
    writer = Writer(plan, sources, framing, pushes)
    script = writer.script()
    members: dict[str, Any] = {
        "__slots__": (*(CAPTURE + name for name in writer.captures), *_attributes(plan)),
        "__doc__": f"The conversation {plan.name}.",
        "plan": plan,
        "script": script,
        "pushes": pushes,
        "captures": writer.captures,
        "settings_used": ("every",) if plan.steps else (),
        "framing": framing,
        "abstract": False,
        "holds": bool(script.opening) and not plan.rounds,
        "not_judged": tuple(writer.connect_row(step) for step in plan.connect if step.name),
        "accepts_pushes": _may_wait_unread(plan),
    }
    if plan.shape is not None:
        members["shape"] = from_document(plan.shape)
    if plan.data is not None:
        members["rows"] = PlanRows(plan.data, plan.file)
    return type(plan.name, (Conversation,), {**members, **_handlers(plan, pushes)})


def _attributes(plan: Plan) -> tuple[str, ...]:
    """Return the names of attributes that only some plans need."""
    needed = {
        "columns": plan.data is not None,
        "drawn": draws(plan),
        "is_leaving": plan.rounds > 0,
        "step_no": numbers_steps(plan),
    }
    return tuple(name for name, is_needed in needed.items() if is_needed)


def _handlers(plan: Plan, pushes: Pushes) -> dict[str, Any]:
    """Return the methods that only some plans have: the engine does more for a class that has them."""
    found: dict[str, Any] = {}
    if pushes:
        found["is_push"] = _method(pushes.has)
    if pushes.has_answers:
        found["on_push"] = _method(pushes.answer)
    if plan.match is not None:
        found |= _keys(plan.match)
    if plan.goodbye:
        found["goodbye"] = Conversation._goodbye
    return found


def _method(function: Any) -> Any:
    """Return a method of users that calls a function with the user and a message."""
    return lambda self, message: function(self, message)


def _keys(match: Match) -> dict[str, Any]:
    request, reply = finder(match.request), finder(match.reply)

    return {
        "request_key": _method(lambda _, message: request(message)),
        "reply_key": _method(lambda _, message: reply(message)),
    }


def _may_wait_unread(plan: Plan) -> bool:
    """Return whether a push may come before the `receive` that takes it: one that does not follow a connect at once."""
    for steps in (plan.connect, plan.steps, plan.goodbye):
        before = "connect" if steps is plan.connect else ""
        for step in steps:
            if step.kind == "receive" and before != "connect":
                return True
            before = step.kind
    return False
