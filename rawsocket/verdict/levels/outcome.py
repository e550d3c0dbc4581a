"""Pure: from the judged levels of a load shape to what they say about the run.

Rules:

- Each level is judged by itself, with the rules of judge.py. The first one that does not pass decides: it fails the
  run, or makes it unknown.
- A level that the stop cut short counts only if it failed: it was not held to its end.
- Each threshold of the run has the figure of the level that missed it first; if none did, the one closest to the limit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rawsocket.settings.thresholds import AT_MOST, named
from rawsocket.verdict import threshold_words, words
from rawsocket.verdict.judge import FAIL, PASS, Check, Levels, Verdict

NONE_HELD = "no level of the load shape was held to its end; give it more time before the stop"


@dataclass(frozen=True)
class JudgedLevel:
    """One level. `where` begins a reason: 'at 600 users'. `whole`: it was held to its end, or could not be held."""

    number: int
    users: int
    where: str
    verdict: Verdict
    whole: bool = True

    @property
    def passed(self) -> bool:
        """Whether it was held to its end and met all thresholds."""
        return self.whole and self.verdict.verdict == PASS

    @property
    def counts(self) -> bool:
        """Whether it says anything about the run."""
        return self.whole or self.verdict.verdict == FAIL

    @property
    def why(self) -> str:
        """Why it did not pass, in words: 'the p99 latency from due was 31 ms; at most ...'."""
        reason = self.verdict.reasons[0]
        for check in self.verdict.thresholds:
            if check.ok is False and reason.startswith(f"{check.name}: "):
                return threshold_words.text(check.name, check.limit, check.actual)
        return reason


def outcome(levels: Sequence[JudgedLevel], planned: int, growing: bool) -> Levels:
    """Return what the levels say about their run. `planned`: how many its shape has; `growing`: each is above the last.

    A level in `levels` has begun.
    """
    deciding, line = decisive(levels), said(levels, planned, growing)
    checks = tuple(_worst([level for level in levels if level.counts]))
    if deciding is None:
        return Levels(checks, line=line, doubts=() if any(level.passed for level in levels) else (NONE_HELD,))
    reasons = tuple(_reasons(deciding))
    if deciding.verdict.verdict == FAIL:
        return Levels(checks, line=line, missed=reasons)
    return Levels(checks, line=line, doubts=reasons)


def decisive(levels: Iterable[JudgedLevel]) -> JudgedLevel | None:
    """Return the first level that did not pass, None if all did that count."""
    return next((level for level in levels if level.counts and level.verdict.verdict != PASS), None)


def said(levels: Sequence[JudgedLevel], planned: int, growing: bool) -> str:
    """Return the line that says what was found: 'holds 500 users; at 600 users: the p99 latency ...'."""
    deciding = decisive(levels)
    before = [level for level in levels if level.passed and (deciding is None or level.number < deciding.number)]
    held = max((level.users for level in before), default=0)
    if growing:
        found = f"holds {words.count(held, 'user')}" if held else ""
    else:
        passed = sum(level.passed for level in levels)
        found = f"{words.number(passed)} of {words.count(planned, 'level')} passed"
    failed = f"{deciding.where}: {deciding.why}" if deciding else ""
    stopped = f"stopped in level {levels[-1].number} of {planned}" if levels and not levels[-1].whole else ""
    return "; ".join(filter(None, [found, failed, stopped])) or NONE_HELD


def _reasons(level: JudgedLevel) -> Iterable[str]:
    """Yield the reasons of a level with its name; that of a threshold keeps the threshold's name in front."""
    names = [check.name for check in level.verdict.thresholds]
    for reason in level.verdict.reasons:
        name = next((name for name in names if reason.startswith(f"{name}: ")), "")
        rest = reason.removeprefix(f"{name}: ") if name else reason
        yield f"{name}: {level.where}: {rest}" if name else f"{level.where}: {rest}"


def _worst(levels: Sequence[JudgedLevel]) -> Iterable[Check]:
    """Yield each threshold with the figure that decides on it."""
    found: dict[str, Check] = {}
    for level in levels:
        for check in level.verdict.thresholds:
            here = replace(check, where=level.where)
            found[check.name] = _worse(found[check.name], here) if check.name in found else here
    yield from found.values()


def _worse(before: Check, check: Check) -> Check:
    """Return the one that was missed, or not measured; else the one closer to its limit, the later of two."""
    if before.ok is False or (before.ok is None and check.ok is not False):
        return before
    if check.ok is not True:
        return check
    return check if _margin(check) <= _margin(before) else before


def _margin(check: Check) -> float:
    actual = check.actual or 0.0
    at_most = named(check.name).threshold.comparison is AT_MOST
    return check.limit - actual if at_most else actual - check.limit
