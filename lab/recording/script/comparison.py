"""Puts what was said at the same place of a dialogue side by side: rounds, connections, recordings. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from lab.recording.messages import words
from lab.recording.messages.dialogue import Dialogue, Exchange
from lab.recording.messages.frames import is_text
from lab.recording.script.differences import Key
from lab.recording.script.rounds import Layout, layout

ANSWER_S = 0.1
ONCE = -1  # the round of what is said once on a connection


@dataclass(frozen=True)
class Push:
    """What the server has sent by itself, and what the client has answered at once; b"" if nothing."""

    frame: bytes
    answer: bytes = b""

    @property
    def rest(self) -> bytes:
        """What follows its first word."""
        return self.frame.partition(b" ")[2].strip() if is_text(self.frame) else b""


@dataclass
class Place:
    """One step of the dialogue, as it was each time."""

    seen: dict[Key, Exchange] = field(default_factory=dict)

    @property
    def first(self) -> Exchange:
        """The step as it was first."""
        return next(iter(self.seen.values()))

    @property
    def messages(self) -> dict[Key, bytes]:
        """The messages; {} for what the server says by itself."""
        return {key: each.message for key, each in self.seen.items() if each.message is not None}

    @property
    def replies(self) -> dict[Key, list[bytes]]:
        """The replies."""
        return {key: each.replies for key, each in self.seen.items()}

    @property
    def pause(self) -> float:
        """Seconds between what came before and this step."""
        return median(each.pause for each in self.seen.values())


@dataclass
class Compared:
    """All that was recorded, place by place. `others`: connections that had another dialogue, which is not used."""

    connect: list[Place]
    steps: list[Place]
    goodbye: list[Place]
    rounds: list[list[Exchange]]  # of the connection with most of them
    counts: list[int]  # rounds of each connection
    pushes: list[Push]
    others: int
    used: list[int]  # the numbers of the connections


@dataclass(frozen=True)
class _One:
    number: int
    steps: list[Exchange]
    layout: Layout

    def forms(self, framing: str) -> tuple[list[object], list[object]]:
        """Return what must be the same on another connection for both to be compared."""
        first = [words.first_word(each.message or b"", framing) for each in self.steps]
        return first[: self.layout.begin], first[self.layout.round(0)]


def compare(dialogues: Sequence[Dialogue], framing: str) -> Compared:
    """Return all dialogues side by side; the one with most steps decides which others are compared with it."""
    every: list[_One] = []
    pushes: list[Push] = []
    for number, dialogue in enumerate(dialogues):
        steps, unasked = _sorted(dialogue.exchanges)
        pushes += unasked
        if steps:
            every.append(_One(number, steps, layout(steps, framing)))
    base = max(every, key=lambda one: (one.layout.rounds * one.layout.period, len(one.steps)))
    mine = [one for one in every if one.forms(framing) == base.forms(framing)]
    return Compared(
        [_place(mine, at) for at in range(base.layout.begin)],
        [_round_place(mine, at) for at in range(base.layout.period)],
        _goodbye(mine, base),
        [base.steps[base.layout.round(number)] for number in range(base.layout.rounds)],
        [one.layout.rounds for one in mine],
        pushes,
        len(every) - len(mine),
        [one.number for one in mine],
    )


def _sorted(exchanges: list[Exchange]) -> tuple[list[Exchange], list[Push]]:
    """Return the steps, and what the server sent by itself after the first message, with its answers."""
    begin = next((at for at, each in enumerate(exchanges) if each.message is not None), len(exchanges))
    steps, pushes = exchanges[:begin], []
    for each in exchanges[begin:]:
        if each.message is None:
            pushes += [Push(frame) for frame in each.replies]
        elif pushes and _answers(pushes[-1], each):
            pushes[-1] = Push(pushes[-1].frame, each.message)
        else:
            steps.append(each)
    return steps, pushes


def _answers(push: Push, step: Exchange) -> bool:
    """Whether a step answers a push: it repeats all but the first word, at once, and has no reply."""
    at_once = step.pause < ANSWER_S and not step.replies and not push.answer
    return at_once and bool(push.rest) and push.rest in (step.message or b"")


def _place(ones: list[_One], at: int) -> Place:
    return Place({(one.number, ONCE): one.steps[at] for one in ones})


def _round_place(ones: list[_One], at: int) -> Place:
    return Place(dict(_in_rounds(ones, at)))


def _in_rounds(ones: list[_One], at: int) -> Iterator[tuple[Key, Exchange]]:
    for one in ones:
        for number in range(one.layout.rounds):
            yield (one.number, number), one.steps[one.layout.round(number)][at]


def _goodbye(ones: list[_One], base: _One) -> list[Place]:
    """Return the goodbye: that of the first connection that has one."""
    with_one = [one for one in ones if one.layout.end < len(one.steps)]
    if not with_one:
        return []
    size = len(with_one[0].steps) - with_one[0].layout.end
    same = [one for one in with_one if len(one.steps) - one.layout.end == size]
    return [Place({(one.number, ONCE): one.steps[one.layout.end + at] for one in same}) for at in range(size)]
