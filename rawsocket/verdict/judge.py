"""Pure: the figures of a run and its thresholds in, a verdict with its reasons out.

Rules, in this order:

1. A wrong reply is a failure whatever else is in doubt: it can't be explained by a weak load generator.
2. Doubt outranks a missed threshold: a run that measured nothing, had no steady window, lacked a worker,
   lost one, or had one that was itself the bottleneck (see saturation.py) says nothing about the server. Its
   verdict is 'unknown', never 'pass'.
3. Otherwise a missed threshold fails the run, and so do *missing* replies: when stop was asked they had been owed for
   more than MISSING_AFTER_S, and for longer than any reply of this run took. Each counts as a failure, in what
   `max_failures` allows. A server that is frozen at the end has not failed a message yet, and answers none.

A threshold that is None is not judged. A threshold whose figure is missing is 'not measured' (`ok` is None): where
something that was measured is bad (a missed threshold, a failure, a missing reply) the run fails, else it is unknown. A
silent hold has no messages: it is judged by what was held.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rawsocket.verdict.saturation import Worker, doubt

PASS, FAIL, UNKNOWN = "pass", "fail", "unknown"
EXIT_CODES = {PASS: 0, FAIL: 3, UNKNOWN: 4}
INTERRUPTED = 130
# Seconds: what MAX_P99_MS demands unless told otherwise. A message in flight for a moment when stop is asked is none of
# the server's faults; a server that always takes seconds is slow, which is for MAX_P99_MS to judge, and not silent.
MISSING_AFTER_S = 1.0


@dataclass(frozen=True)
class Thresholds:
    """What a run must reach; None: not judged. Milliseconds and messages a second, over the steady window."""

    min_held: int | None = None
    max_failures: int | None = None
    max_p99_ms: float | None = None
    min_messages_s: float | None = None


@dataclass(frozen=True)
class Figures:
    """What a run measured. `held_min`, `p99_ms` and `messages_s` are of the steady window, None if it has none.

    `waiting` messages were due and had no reply when stop was asked, the oldest for `oldest_s` seconds; of these,
    `missing` waited for a reply that should have come long before (rule 3). `example` is what was seen of a wrong one.
    """

    attempted: int = 0
    wrong: int = 0
    example: str = ""
    failures: int = 0
    waiting: int = 0
    missing: int = 0
    oldest_s: float = 0.0
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
    doubts = _doubts(figures)
    missed = [_missed(c) for c in checks if c.ok is False] + _missing(figures, thresholds)
    unmeasured = [] if doubts else [_unmeasured(c) for c in checks if c.ok is None]
    if missed or figures.failures or figures.missing:
        missed += unmeasured
    else:
        doubts += unmeasured
    wrong = _wrong(figures)
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


def _wrong(figures: Figures) -> list[str]:
    seen = f"; one was {figures.example}" if figures.example else ""
    return [f"{_count(figures.wrong, 'reply')} did not match the message sent{seen}"] if figures.wrong else []


def _missing(figures: Figures, wanted: Thresholds) -> list[str]:
    missing, most = figures.missing, wanted.max_failures
    if not missing or most is None or missing + figures.failures <= most:
        return []
    return [
        f"{_count(missing, 'message')} still waited for a reply when stop was asked, the oldest for "
        f"{figures.oldest_s:.1f} s: longer than {MISSING_AFTER_S:g} s, and than any reply of this run took"
    ]


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
        checks.append(_check("max_p99_ms", wanted.max_p99_ms, figures.p99_ms, lambda a, limit: a <= limit))
        rate = wanted.min_messages_s
        checks.append(_check("min_messages_s", rate, figures.messages_s, lambda a, limit: a >= limit))
    return [check for check in checks if check]


def _check(name: str, limit: float | None, actual: float | None, met: Callable[[float, float], bool]) -> Check | None:
    if limit is None:
        return None
    return Check(name, limit, actual, None if actual is None else met(actual, limit))


def _missed(check: Check) -> str:
    kind = "at least" if check.name.startswith("min") else "at most"
    return f"{check.name}: {check.actual:g}, {kind} {check.limit:g} was demanded"


def _unmeasured(check: Check) -> str:
    return f"{check.name}: could not be measured, because the steady window brought no figure for it"


def _count(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1] + 'ies' if noun.endswith('y') else noun + 's'}"
