"""Finds what repeats in a dialogue: what comes before it is `connect`, what comes after it `goodbye`. Pure.

Strategy: for each period and begin, count how far each step is like the one a period later; the longest repetition
wins, then one whose rounds are equal, then the shortest period. Two messages are alike if they differ in values
only; in a long dialogue (see MANY) the same first word is enough. A dialogue of which less than half repeats is one
round. An unfinished last round is left out.
"""

from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from lab.recording.messages import words
from lab.recording.messages.dialogue import Exchange

MANY = 30  # steps; no one wants to read more
MOST_PERIOD = 200  # steps of a round: more of them can't be read, and are slow to look for
HALF = 0.5
SHORT_S = 0.010  # shorter pauses are not written
JITTER_S = 0.005


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a dialogue are: `rounds` times `period` steps from `begin` on, the goodbye from `end` on."""

    begin: int
    period: int
    rounds: int
    end: int

    def round(self, number: int) -> slice:
        """Return the steps of a round."""
        return slice(self.begin + number * self.period, self.begin + (number + 1) * self.period)


def layout(steps: list[Exchange], framing: str) -> Layout:
    """Return the parts of a dialogue. `framing`: as it is written, since names of messages depend on the protocol."""
    first, last = _first(steps), _last(steps)
    found = _repetition([_form(each, framing, True) for each in steps], steps, first, last)
    if found is None and last - first > MANY:
        found = _repetition([_form(each, framing, False) for each in steps], steps, first, last)
    if found is None:
        return Layout(first, last - first, 1, last)
    begin, period, covered = found
    end = begin + covered
    return Layout(begin, period, covered // period, end)


def _first(steps: list[Exchange]) -> int:
    """Return how many steps only begin the connection; not all of them, unless nothing else is there."""
    at = 0
    while at < len(steps) and _begins(steps, at):
        at += 1
    return at


def _begins(steps: list[Exchange], at: int) -> bool:
    message = steps[at].message
    if message is None:
        return at == 0 or _begins(steps, at - 1)
    # What a server asks for in the middle of a login (334, +, a challenge) belongs to it.
    asked = at > 0 and any(
        reply[:4] in (b"334 ", b"+ ", b"+") or reply[:3] == b"331" for reply in steps[at - 1].replies
    )
    return words.begins(message, at == 0) or (asked and _begins(steps, at - 1))


def _last(steps: list[Exchange]) -> int:
    """Return where the goodbye begins."""
    at = len(steps)
    while at > 0 and ((message := steps[at - 1].message) is None or words.ends(message)):
        if message is None and not any(each.message and words.ends(each.message) for each in steps[:at]):
            break
        at -= 1
    return at


def _repetition(forms: list[object], steps: list[Exchange], first: int, last: int) -> tuple[int, int, int] | None:
    """Return begin, period and number of the steps that repeat, an unfinished round included; None: too few do."""
    best: tuple[tuple[int, bool, int, int], tuple[int, int, int]] | None = None
    for period in range(1, min(MOST_PERIOD, (last - first) // 2) + 1):
        for begin, run in _runs([forms[at] == forms[at + period] for at in range(last - period)]):
            begin, run = (begin, run) if begin >= first else (first, run - (first - begin))
            covered = run + period
            if run < period or _leaves_much(
                last - first - covered, last - begin - covered, last - first, covered // period
            ):
                continue
            equal = all(steps[at].message == steps[at + period].message for at in range(begin, begin + run))
            score = (covered // period * period, equal, -period, -begin)
            if best is None or score > best[0]:
                best = (score, (begin, period, covered))
    return best[1] if best else None


def _leaves_much(left: int, behind: int, of: int, rounds: int) -> bool:
    """Whether too many steps are outside; two rounds with something behind them may as well be a coincidence."""
    return left > HALF * of or (rounds < 3 and behind > 0)


def _runs(alike: list[bool]) -> list[tuple[int, int]]:
    """Return begin and length of the runs of True."""
    found, begin = [], None
    for at, each in enumerate([*alike, False]):
        if each and begin is None:
            begin = at
        elif not each and begin is not None:
            found.append((begin, at - begin))
            begin = None
    return found


def _form(step: Exchange, framing: str, strict: bool) -> object:
    if step.message is None:
        return None
    return words.form(step.message, framing) if strict else words.first_word(step.message, framing)


@dataclass(frozen=True, slots=True)
class Pace:
    """How rounds follow each other: `every` from begin to begin; 0: at once, or `pause` seconds after the last one."""

    every: float
    pause: float = 0.0
    known: bool = True


def pace(rounds: list[list[Exchange]]) -> Pace:
    """Return how the rounds of one connection follow each other; not known for a single one."""
    pairs = list(pairwise(rounds))
    if not pairs:
        return Pace(0.0, known=False)
    intervals = [later[0].at - earlier[0].at for earlier, later in pairs]
    pauses = [later[0].at - earlier[-1].ended for earlier, later in pairs]
    if median(pauses) < SHORT_S:
        return Pace(0.0)
    if _spread(intervals) <= _spread(pauses) + JITTER_S:
        return Pace(median(intervals))
    return Pace(0.0, median(pauses))


def _spread(values: list[float]) -> float:
    middle = median(values)
    return median(abs(value - middle) for value in values)
