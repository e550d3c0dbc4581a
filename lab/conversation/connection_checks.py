"""Whether a connection is open where a step needs one, and closed where a step opens one: known before the run.

A check plays one round, so without this a conversation could pass it and fail in its second round.
"""

from collections.abc import Sequence

from lab.conversation.syntax.source import Mistake
from lab.conversation.syntax.step_entries import StepNode
from rawsocket.conversation.plan import FramingPlan

OPEN, CLOSED, SENT_ALL, UNKNOWN = "open", "closed", "sent all", "unknown"
_WITHOUT = ("wait", "close")  # steps that need no connection
_SENDS = ("send", "raw", "part", "starttls")


def check(
    connect: Sequence[StepNode],
    steps: Sequence[StepNode],
    goodbye: Sequence[StepNode],
    framing: FramingPlan,
    rounds: int,
) -> None:
    """Refuse steps that can't be done in this order. Raises Mistake."""
    for node in (*connect, *goodbye):
        if node.kind == "connect":
            raise Mistake(
                node.node.place, "a `connect` step outside `steps`", "the connection is open here",
                "remove it, or move it into `steps`",
            )  # fmt: skip
    after_connect = _after(connect, OPEN, framing)
    own = [node for node in steps if node.kind == "connect"]
    state = _after(steps, CLOSED if own else after_connect, framing)
    if own and state in (OPEN, SENT_ALL) and rounds != 1:
        raise Mistake(
            own[0].node.place, "a `connect` step, and the connection is still open when the next round begins",
            "expected a `close` in each round", "add `close` as the last step, or `rounds: 1`, or remove `connect`",
        )  # fmt: skip
    _after(goodbye, UNKNOWN, framing)


def _after(steps: Sequence[StepNode], state: str, framing: FramingPlan) -> str:
    """Return what the connection is after some steps. Raises Mistake."""
    for node in steps:
        _check(node, state)
        if node.kind == "framing":
            framing = node.entry.framing.value
        state = _next(node.kind, state, framing)
    return state


def _check(node: StepNode, state: str) -> None:
    if node.kind == "connect" and state in (OPEN, SENT_ALL):
        raise Mistake(
            node.node.place, "a `connect` step, and the connection is open", "expected `close` before it",
            "add `close`, or remove `connect`",
        )  # fmt: skip
    if node.kind not in ("connect", *_WITHOUT) and state == CLOSED:
        raise Mistake(
            node.node.place, f"a step `{node.kind}`, and the connection is closed", "expected `connect` before it",
            "add `connect`, or remove the `close` before",
        )  # fmt: skip
    if node.kind in _SENDS and state == SENT_ALL:
        raise Mistake(
            node.node.place, f"a step `{node.kind}` after `shutdown`", "nothing can be sent any more",
            "remove one of them, or add `close` and `connect` between them",
        )  # fmt: skip


def _next(kind: str, state: str, framing: FramingPlan) -> str:
    if kind == "connect":
        return OPEN
    if kind == "close":
        return CLOSED
    if kind == "shutdown":
        return SENT_ALL
    replies = framing.arguments.get("receive", framing)  # a framing for each direction, or one
    ends = isinstance(replies, FramingPlan) and replies.name == "UntilClosed"
    return UNKNOWN if ends and kind in ("send", "receive") else state
