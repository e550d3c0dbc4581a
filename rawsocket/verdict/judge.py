"""Pure: judges a run: from its figures, thresholds and ledger to a verdict with its reasons.

The first rule that applies decides:

1. An interrupted run is unknown.
2. A wrong reply fails the run, and so does an unexplained difference in the ledger, even if there are doubts: a weak
   load generator can't explain either.
3. A doubt makes the run unknown, even if a threshold was missed. A run is in doubt if it measured nothing, had no
   steady window, lacked or lost a worker, or had a worker that was itself the bottleneck (see saturation.py): it says
   nothing about the server.
4. A missed threshold fails the run. So do *missing* replies: when stop was asked they had been outstanding for more
   than MISSING_AFTER_S, and for longer than any reply of this run took. Each counts as a failure for `max_failures`. (A
   server that is frozen at the end has not failed a message yet, and answers none.)
5. A doubt of the ledger makes the run unknown.
6. Otherwise the run passes.

A run in which the scenario raised an exception, or a task of the master died, did not do what was meant: it is unknown,
and its exit code is 1 (see run_errors.py).

Under a load shape, the levels are judged by these rules, each for itself; what they say takes the place of the run's
steady window and of its thresholds (see levels/outcome.py).

A threshold without a limit is not judged. A threshold whose figure is missing is 'not measured' (`ok` is None): if
another figure is bad (a missed threshold, a failure, a missing reply), it counts as missed, otherwise as a doubt. If
its row does not exist, which may be a slip of the pen, only a missed threshold decides otherwise. A threshold of
messages is not judged in a run in which none was due, whatever the settings say; a reason says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rawsocket.measurement.report import ScenarioError
from rawsocket.settings import thresholds as table
from rawsocket.settings.table import DEFAULT_LAG_LIMIT_MS
from rawsocket.verdict import run_errors, threshold_words, words
from rawsocket.verdict.ledger import Ledger
from rawsocket.verdict.saturation import Loop, WorkerFigures, doubts

PASS, FAIL, UNKNOWN = "pass", "fail", "unknown"
EXIT_CODES = {PASS: 0, FAIL: 3, UNKNOWN: 4}
INTERRUPTED = 130
FAILURES = "failures"  # the figure
WAITED = "still waited for a reply when stop was asked"
NO_BYTE = "no byte ever arrived on"
#: Parts of reasons that only explain what another one, or a threshold, says.
EXPLANATIONS = (WAITED, NO_BYTE)
# Seconds, as the default of MAX_P99_MS. A message that has just been sent when stop is asked is no fault of the server;
# a server that always takes seconds is slow, which MAX_P99_MS judges, but not silent.
MISSING_AFTER_S = 1.0


@dataclass(frozen=True)
class RowFigures:
    """What a run measured in one row of the statistics, in milliseconds, events a second, and events of the whole run.

    Percentiles and rate are of the steady window, connects of the whole run; None: it has none, or no such time.
    `sent_p99_ms` is from sent, the others are from due. `judged`: limits without a row consider it.
    """

    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    p99_9_ms: float | None = None
    sent_p99_ms: float | None = None
    messages_s: float | None = None
    failures: int = 0
    events: int = 0
    judged: bool = True


@dataclass(frozen=True)
class Check:
    """One threshold judged: `ok` is None if its figure could not be measured. `where`: the level, 'at 600 users'."""

    name: str
    limit: float
    actual: float | None
    ok: bool | None
    where: str = ""


@dataclass(frozen=True)
class Levels:
    """What the levels of a load shape say about their run: its thresholds, why it failed or is in doubt, and a line."""

    checks: tuple[Check, ...] = ()
    missed: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    line: str = ""


@dataclass(frozen=True)
class Figures:
    """What a run measured. `held_min`, percentiles and `messages_s` are of the steady window, None if it has none.

    `p99_ms` and its like are what the limits without a row are compared with; `rows` has those of single rows.
    `latency_ms` has all percentiles of each kind of time, as verdict.json has them.

    `events` are all events of the rows, of which `failures` failed, until stop was asked. `silent`: no message was due;
    `replyless`: none that needs a reply. No byte ever arrived on `silent_connections`.

    `waiting` messages were due and had no reply when stop was asked, the oldest for `oldest_s` seconds; of these,
    `missing` waited for a reply that was long overdue (rule 4). `example` is one of the wrong replies.

    All users want `wanted` connections. `sessions` were begun. The generator's machine ran short `limited` times, which
    are no failures; `limit_example` is one of them. `run_errors` say why the run itself failed. `levels`: those of a
    load shape, None without one. `remarks`: what else a reader must know, though it decides nothing.
    """

    attempted: int = 0
    wrong: int = 0
    example: str = ""
    failures: int = 0
    events: int = 0
    waiting: int = 0
    missing: int = 0
    oldest_s: float = 0.0
    silent: bool = False
    replyless: bool = False
    silent_connections: int = 0
    steady_s: float = 0.0
    held_min: int | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    p99_9_ms: float | None = None
    messages_s: float | None = None
    rows: Mapping[str, RowFigures] = field(default_factory=dict)
    latency_ms: Mapping[str, Mapping[str, float] | None] = field(default_factory=dict)
    workers_wanted: int = 0
    workers: tuple[WorkerFigures, ...] = ()
    max_lag_ms: float = DEFAULT_LAG_LIMIT_MS
    loop: Loop = field(default_factory=Loop)
    interrupted: bool = False
    wanted: int = 0
    sessions: int = 0
    limited: int = 0
    limit_example: str = ""
    scenario_errors: tuple[ScenarioError, ...] = ()
    run_errors: tuple[str, ...] = ()
    levels: Levels | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """`verdict` is pass, fail or unknown; `exit_code` is 0, 1, 3, 4, or 130: interrupted, and no worker was lost."""

    verdict: str
    exit_code: int
    reasons: tuple[str, ...]
    thresholds: tuple[Check, ...]


def judge(figures: Figures, thresholds: Mapping[str, float], ledger: Ledger | None = None) -> Verdict:
    """Judge one run; `thresholds` has the limit of each judged threshold, by its name."""
    judged = _judge_server(figures, thresholds, ledger)
    broken = (*figures.run_errors, *run_errors.scenario(figures.scenario_errors))
    if not broken:
        return judged
    others = () if judged.verdict == PASS else judged.reasons
    code = INTERRUPTED if judged.exit_code == INTERRUPTED else run_errors.BROKEN
    return Verdict(UNKNOWN, code, (*broken, *others), judged.thresholds)


def _judge_server(figures: Figures, thresholds: Mapping[str, float], ledger: Ledger | None) -> Verdict:
    checks = tuple(_checks(figures, thresholds))
    ledger, levels = ledger or Ledger(), figures.levels or Levels()
    doubts = _doubts(figures)
    missed = [*levels.missed, *(_missed(c) for c in checks if c.ok is False), *_missing(figures, thresholds)]
    unmeasured = (
        [] if doubts else [_unmeasured(c, figures) for c in checks if c.ok is None and not _absent_row(c, figures)]
    )
    misnamed = [_unmeasured(c, figures) for c in checks if _absent_row(c, figures)]
    bad = bool(missed or figures.failures or figures.missing)
    (missed if bad else doubts).extend(unmeasured)
    (missed if missed else doubts).extend(misnamed)
    wrong, checks = wrong_replies(figures), (*levels.checks, *checks)
    if figures.interrupted:
        reasons = (*wrong, *doubts, *missed, *ledger.failures, *ledger.doubts)
        return _interrupted(figures, checks, reasons)
    if wrong:
        reasons = (*wrong, *missed, *doubts, *ledger.failures)
    elif doubts:
        reasons = (*ledger.failures, *doubts, *missed)
    else:
        reasons = (*missed, *ledger.failures)
    notes = (*_not_judged(figures, thresholds), *_notes(figures))
    return _decided(figures, checks, (*reasons, *ledger.doubts), _outcome(wrong, doubts, missed, ledger), notes)


def _outcome(wrong: list[str], doubts: list[str], missed: list[str], ledger: Ledger) -> str:
    """Return the verdict of a run that was not interrupted, by the rules of this module."""
    if wrong or ledger.failures:
        return FAIL
    if doubts:
        return UNKNOWN
    if missed:
        return FAIL
    return UNKNOWN if ledger.doubts else PASS


def _decided(
    figures: Figures, checks: tuple[Check, ...], reasons: tuple[str, ...], outcome: str, notes: tuple[str, ...]
) -> Verdict:
    said = reasons or (_passed(figures),)
    if figures.levels is not None:
        said = (figures.levels.line, *(reason for reason in reasons if reason not in figures.levels.line))
    return Verdict(outcome, EXIT_CODES[outcome], (*said, *notes), checks)


def _passed(figures: Figures) -> str:
    """Return what a run that passed has shown: '60 of 60 connections held for 12 s, no failures, p99 latency 2 ms'."""
    held, lasted = figures.held_min, words.seconds(round(figures.steady_s, 1))
    found = [f"steady for {lasted}"]
    if held and figures.wanted:
        found = [f"{words.number(held)} of {words.count(figures.wanted, 'connection')} held for {lasted}"]
    found.append(words.count(figures.failures, "failure"))
    p99 = figures.p99_ms if figures.p99_ms is not None else (figures.latency_ms.get("from_due") or {}).get("p99")
    return ", ".join([*found, *([] if p99 is None else [f"p99 latency {words.milliseconds(p99)}"])])


def _interrupted(figures: Figures, checks: tuple[Check, ...], others: tuple[str, ...]) -> Verdict:
    """Judge an interrupted run: never a pass, and exit code 4 only if a worker was lost before."""
    lost = any(worker.lost for worker in figures.workers)
    code = EXIT_CODES[UNKNOWN] if lost else INTERRUPTED
    return Verdict(UNKNOWN, code, ("the run was interrupted before its end", *others), checks)


def wrong_replies(figures: Figures) -> list[str]:
    """Return a reason if replies were wrong."""
    seen = f"; for example, {figures.example}" if figures.example else ""
    return [f"{words.count(figures.wrong, 'reply')} did not match the message sent{seen}"] if figures.wrong else []


def _missing(figures: Figures, thresholds: Mapping[str, float]) -> list[str]:
    missing, failures = figures.missing, figures.missing + figures.failures
    most, share = thresholds.get("max_failures"), thresholds.get("max_failures" + table.PERCENT)
    above = most is not None and failures > most
    above = above or (share is not None and 100 * failures > share * (figures.events + missing))
    if not missing or not above:
        return []
    return [
        f"{words.count(missing, 'message')} {WAITED}, the oldest for "
        f"{figures.oldest_s:.1f} s: longer than {MISSING_AFTER_S:g} s, and than any reply of this run took"
    ]


def _doubts(figures: Figures) -> list[str]:
    found = _absent(figures) + run_errors.generator_limit(figures.limited, figures.limit_example)
    if not figures.attempted:
        begun = f", though {words.count(figures.sessions, 'session')} began" if figures.sessions else ""
        found.append(f"nothing was measured: no connection was attempted{begun}")
    elif figures.levels is not None:
        found += figures.levels.doubts
    elif not figures.steady_s or figures.held_min is None:
        found.append("no steady window: the run ended before 2 s after its ramp had passed; give it more TIME")
    else:
        found += doubts(figures.workers, figures.max_lag_ms)
    return found


def _not_judged(figures: Figures, limits: Mapping[str, float]) -> list[str]:
    """Return a line for each threshold of messages in a run without any."""
    return [
        f"{name}: not judged, no {table.named(name).threshold.of} was due" for name in limits if _idle(figures, name)
    ]


def _idle(figures: Figures, name: str) -> bool:
    """Return whether the run had nothing that this limit could be compared with."""
    of, row = (meant := table.named(name)).threshold.of, meant.row
    if row or not of or (of == table.REPLIES and _actual(figures, meant) is not None):
        return False
    return figures.silent or (of == table.REPLIES and figures.replyless)


def _notes(figures: Figures) -> list[str]:
    """Return what a reader must know, though it decides nothing."""
    silent = figures.silent_connections
    return [*([f"{NO_BYTE} {words.count(silent, 'connection')}"] if silent else []), *figures.remarks]


def _absent(figures: Figures) -> list[str]:
    came = len(figures.workers)
    found = []
    if came == 0:
        found.append("no worker came")
    elif came < figures.workers_wanted:
        found.append(f"only {came} of {words.count(figures.workers_wanted, 'worker')} came")
    return found + [f"{worker.label} was lost: {worker.lost}" for worker in figures.workers if worker.lost]


def _checks(figures: Figures, limits: Mapping[str, float]) -> Iterator[Check]:
    """Judge each limit, in the order of the table."""
    order = [row.name for row in table.THRESHOLDS]
    for name in sorted(limits, key=lambda name: order.index(table.named(name).threshold.name)):
        if not _idle(figures, name):
            meant = table.named(name)
            actual = _actual(figures, meant)
            ok = None if actual is None else meant.threshold.comparison.met(actual, limits[name])
            yield Check(name, limits[name], actual, ok)


def measured(figures: Figures, path: str, row: str = "", percent: bool = False) -> float | None:
    """Return the figure that a threshold names, of a row if one is given; None if it could not be measured.

    `percent`: as a share of all events.
    """
    first, *rest = path.split(".")
    whole = figures.rows.get(row) if row else figures
    value: Any = getattr(whole, first, None)
    for name in rest:
        value = None if value is None else value.get(name)
    if percent and whole is not None:
        value = 100 * value / whole.events if whole.events else None
    found: float | None = value
    return found


def _actual(figures: Figures, meant: table.Named) -> float | None:
    """Return the figure; missing replies are failures."""
    if meant.threshold.figure == FAILURES and figures.missing and not meant.row:
        failures, events = figures.failures + figures.missing, figures.events + figures.missing
        return 100 * failures / events if meant.percent else failures
    return measured(figures, meant.threshold.figure, meant.row, meant.percent)


def _absent_row(check: Check, figures: Figures) -> bool:
    row = table.named(check.name).row
    return bool(row) and row not in figures.rows


def _missed(check: Check) -> str:
    return f"{check.name}: {threshold_words.text(check.name, check.limit, check.actual)}"


def _unmeasured(check: Check, figures: Figures) -> str:
    row = table.named(check.name).row
    if _absent_row(check, figures):
        known = ", ".join(sorted(figures.rows)) or "none"
        return f"{check.name}: could not be judged, because the run has no row {row} (rows: {known})"
    what = f"the row {row}" if row else "the steady window"
    return f"{check.name}: could not be measured, because {what} brought no figure for it"
