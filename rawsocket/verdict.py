"""Pure: the figures of a run and its thresholds in, a verdict with its reasons out.

Rules, in this order:

1. A wrong reply is a failure whatever else is in doubt: it can't be explained by a weak load generator.
2. Doubt outranks a missed threshold: a run that measured nothing, had no steady window, lacked a worker,
   lost one, or had one that was itself the bottleneck (see saturation.py) says nothing about the server. Its
   verdict is 'unknown', never 'pass'.
3. Otherwise a missed threshold fails the run.

A threshold that is None is not judged. A threshold whose figure is missing is a doubt, unless messages
failed: then there is evidence enough, and it counts as missed. A silent hold has no messages: it is judged
by what was held.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rawsocket.saturation import Worker, doubt

PASS, FAIL, UNKNOWN = "pass", "fail", "unknown"
EXIT_CODES = {PASS: 0, FAIL: 3, UNKNOWN: 4}
INTERRUPTED = 130


@dataclass(frozen=True)
class Thresholds:
    """What a run must reach; None: not judged. Milliseconds and messages a second, over the steady window."""

    min_held: int | None = None
    max_failures: int | None = None
    max_p99_ms: float | None = None
    min_messages_s: float | None = None


@dataclass(frozen=True)
class Figures:
    """What a run measured. `held_min`, `p99_ms` and `messages_s` are of the steady window, None if it has none."""

    attempted: int = 0
    wrong: int = 0
    failures: int = 0
    silent: bool = False
    steady_s: float = 0.0
    held_min: int | None = None
    p99_ms: float | None = None
    messages_s: float | None = None
    workers_wanted: int = 0
    workers: tuple[Worker, ...] = ()
    interrupted: bool = False


@dataclass(frozen=True)
class Check:
    """One threshold judged: `ok` is None where its figure could not be measured."""

    name: str
    limit: float
    actual: float | None
    ok: bool | None


@dataclass(frozen=True)
class Verdict:
    """`verdict` is pass, fail or unknown; `exit_code` is 0, 3, 4, or 130 for an interrupted run without other doubt."""

    verdict: str
    exit_code: int
    reasons: tuple[str, ...]
    thresholds: tuple[Check, ...]


def judge(figures: Figures, thresholds: Thresholds) -> Verdict:
    """Judge one run."""
    checks = tuple(_checks(figures, thresholds))
    doubts = _doubts(figures) or [_unmeasured(c) for c in checks if c.ok is None]
    missed = [_missed(c) for c in checks if c.ok is False]
    wrong = [f"{_count(figures.wrong, 'reply')} did not match the message sent"] if figures.wrong else []
    if figures.interrupted:
        return _interrupted(figures, checks, wrong + doubts + missed)
    if wrong:
        return Verdict(FAIL, EXIT_CODES[FAIL], tuple(wrong + missed + doubts), checks)
    if doubts:
        return Verdict(UNKNOWN, EXIT_CODES[UNKNOWN], tuple(doubts + missed), checks)
    if missed:
        return Verdict(FAIL, EXIT_CODES[FAIL], tuple(missed), checks)
    met = f"{_count(len(checks), 'threshold')} met over a steady window of {figures.steady_s:.1f} s"
    return Verdict(PASS, EXIT_CODES[PASS], (met,), checks)


def _interrupted(figures: Figures, checks: tuple[Check, ...], others: list[str]) -> Verdict:
    """Judge a run that was cut short: never a pass, and 4 only where a worker was lost before."""
    lost = any(worker.lost for worker in figures.workers)
    code = EXIT_CODES[UNKNOWN] if lost else INTERRUPTED
    return Verdict(UNKNOWN, code, ("the run was interrupted before its end", *others), checks)


def _doubts(figures: Figures) -> list[str]:
    found = _absent(figures)
    if not figures.attempted:
        found.append("nothing was measured: no connection was attempted")
    elif not figures.steady_s or figures.held_min is None:
        found.append("no steady window: the run ended before 2 s after its ramp had passed; give it more TIME")
    else:
        found += [said for worker in figures.workers if (said := doubt(worker))]
    return found


def _absent(figures: Figures) -> list[str]:
    came = len(figures.workers)
    found = []
    if came == 0:
        found.append("no worker came")
    elif came < figures.workers_wanted:
        found.append(f"only {came} of {_count(figures.workers_wanted, 'worker')} came")
    return found + [f"worker {worker.id} was lost: {worker.lost}" for worker in figures.workers if worker.lost]


def _checks(figures: Figures, wanted: Thresholds) -> list[Check]:
    checks = [
        _check("min_held", wanted.min_held, figures.held_min, lambda actual, limit: actual >= limit),
        _check("max_failures", wanted.max_failures, figures.failures, lambda actual, limit: actual <= limit),
    ]
    if not figures.silent:
        failed = figures.failures > 0
        checks.append(_check("max_p99_ms", wanted.max_p99_ms, figures.p99_ms, lambda a, limit: a <= limit, failed))
        rate = wanted.min_messages_s
        checks.append(_check("min_messages_s", rate, figures.messages_s, lambda a, limit: a >= limit, failed))
    return [check for check in checks if check]


def _check(
    name: str,
    limit: float | None,
    actual: float | None,
    met: Callable[[float, float], bool],
    failed: bool = False,
) -> Check | None:
    if limit is None:
        return None
    if actual is None:
        return Check(name, limit, None, False if failed else None)
    return Check(name, limit, actual, met(actual, limit))


def _missed(check: Check) -> str:
    kind = "at least" if check.name.startswith("min") else "at most"
    actual = "nothing to measure" if check.actual is None else f"{check.actual:g}"
    return f"{check.name}: {actual}, {kind} {check.limit:g} was demanded"


def _unmeasured(check: Check) -> str:
    return f"{check.name}: could not be measured, because the steady window brought no figure for it"


def _count(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1] + 'ies' if noun.endswith('y') else noun + 's'}"
