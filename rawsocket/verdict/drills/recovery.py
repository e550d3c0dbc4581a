"""Pure: what a drill did to a run: lost connections, time to notice and to recover, overshoot; and its verdict.

The master notes a `Second` each second, with counts since the start of the run. Rules:

- Times are exact to the second in which the master saw something: a connection that was lost counts as noticed at the
  end of that second.
- A run has recovered from the first second after healing from which, for HELD_S seconds, ENOUGH of the wanted
  connections are held and p99 meets its objective. Without any reply, p99 has nothing to meet.
- The fault's figures go from the moment at which it was asked for (a killed server is gone before the engine says so)
  to HELD_S after the recovery (reports come a second late), or to the end of the run where there was none. Times to
  notice count from the moment at which it was in effect: how long the engine takes is no time to notice.
- A fault that could not be brought about has no result. Nor has a prediction that is missed while a worker was itself
  the bottleneck between fault and recovery (see ../saturation.py): the server is not to blame. Both are unknown. A
  fault that did not heal and an unexplained difference in the ledger are failures in any case.
- Exit codes: 0 recovered as predicted, 3 not, 4 no steady state beforehand, or unknown.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any

from rawsocket.verdict.drills.prediction import FIGURES, Expected, Marks

ENOUGH = 0.99
HELD_S = 5.0
RECOVERED, NOT_RECOVERED, UNSTEADY, UNKNOWN = "recovered", "not recovered", "no steady state", "unknown"
VERDICTS = {RECOVERED: ("pass", 0), NOT_RECOVERED: ("fail", 3), UNSTEADY: ("unknown", 4), UNKNOWN: ("unknown", 4)}
Figures = Mapping[str, float | None]


@dataclass(frozen=True)
class Second:
    """One second of a run: gauges of now, and counts since its start. `dropped` and `failed` are by name."""

    at_s: float
    held: int
    p99_ms: float | None = None
    attempted: int = 0
    messages: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        """All connections that were dropped so far."""
        return sum(self.dropped.values())


def recovered_at(seconds: Sequence[Second], healed_s: float, wanted: int, p99_ms: float | None) -> float | None:
    """Return when the run had recovered, in seconds of the run; None: not while it was watched."""
    begun: float | None = None
    for second in seconds:
        if second.at_s < healed_s:
            continue
        if not good(second, wanted, p99_ms):
            begun = None
            continue
        begun = second.at_s if begun is None else begun
        if second.at_s - begun >= HELD_S:
            return begun
    return None


def good(second: Second, wanted: int, p99_ms: float | None) -> bool:
    """Whether enough connections are held in a second, and its p99 meets the objective."""
    fast = second.p99_ms is None or p99_ms is None or second.p99_ms <= p99_ms
    return second.held >= ENOUGH * wanted and fast


def measure(
    seconds: Sequence[Second], injected_s: float, healed_s: float | None, marks: Marks, asked_s: float | None = None
) -> Figures:
    """Return the figures of a drill by name, None where there is none; see prediction.FIGURES."""
    asked_s = injected_s if asked_s is None else asked_s
    back = None if healed_s is None else recovered_at(seconds, healed_s, marks.wanted, marks.p99_ms)
    last = [second.at_s for second in seconds][-1:] or [injected_s]
    until = last[0] if back is None else back + HELD_S
    before = [second for second in seconds if second.at_s <= asked_s][-1:] or [Second(asked_s, 0)]
    whole = [before[0], *(second for second in seconds if asked_s < second.at_s <= until)]
    first, end = whole[0], whole[-1]
    lost, attempts = end.lost - first.lost, end.attempted - first.attempted
    began = [second.at_s for second in whole if second.at_s <= injected_s][-1:] or [injected_s]
    during = [second for second in whole if began[0] <= second.at_s <= (until if healed_s is None else healed_s)]
    notices = [(max(0.0, b.at_s - injected_s), b.lost - a.lost) for a, b in pairwise(whole)]
    return {
        "lost": lost,
        "held_min": min(second.held for second in whole),
        "notice_p50_s": quantile(notices, 0.5),
        "notice_p99_s": quantile(notices, 0.99),
        "recover_s": None if back is None or healed_s is None else round(max(0.0, back - healed_s), 3),
        "peak_connects_s": peak(whole),
        "attempts_per_user": round(attempts / lost, 3) if lost else None,
        "peak_p99_ms": max((one.p99_ms for one in whole[1:] if one.p99_ms is not None), default=None),
        "typical_p99_ms": typical([one.p99_ms for one in during[1:]]),
        "messages_s": _rate(during),
        **{f"dropped.{name}": count for name, count in _grown(first.dropped, end.dropped).items()},
        **{f"failed.{name}": count for name, count in _grown(first.failed, end.failed).items()},
        **{f"own.{name}": value for name, value in marks.own.items()},
    }


def quantile(weighted: Sequence[tuple[float, int]], share: float) -> float | None:
    """Return the value that a share of the weight is at or below; None without any weight."""
    total, so_far = sum(count for _, count in weighted), 0
    for value, count in sorted(weighted):
        so_far += count
        if count and so_far >= share * total:
            return round(value, 3)
    return None


def typical(latencies: Sequence[float | None]) -> float | None:
    """Return the median of the seconds that have a latency: one second in which the machine was busy changes little."""
    known = [one for one in latencies if one is not None]
    return round(median(known), 3) if known else None


def peak(seconds: Sequence[Second]) -> float:
    """Return the most attempts to connect a second."""
    pairs = pairwise(seconds)
    rates = [(b.attempted - a.attempted) / (b.at_s - a.at_s) for a, b in pairs if b.at_s > a.at_s]
    return round(max(rates, default=0.0), 1)


def _rate(seconds: Sequence[Second]) -> float | None:
    length = seconds[-1].at_s - seconds[0].at_s if seconds else 0.0
    return round((seconds[-1].messages - seconds[0].messages) / length, 1) if length > 0 else None


def _grown(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    return {name: grown for name, count in after.items() if (grown := count - before.get(name, 0))}


def actual(expected: Expected, measured: Figures) -> float | None:
    """Return the figure that an expectation is about. A failure that did not happen has a count of 0."""
    absent = 0 if expected.figure.startswith(("dropped.", "failed.")) else None
    return measured.get(expected.figure, absent)


def judge(
    marks: Marks,
    measured: Figures,
    unknown: Collection[str] = (),
    ledger: Sequence[str] = (),
    doubts: Sequence[str] = (),
) -> tuple[str, list[str]]:
    """Return the outcome and its reasons.

    `unknown`: workers that were lost; `ledger`: what it can't explain; `doubts`: why workers were late, for each.
    """
    if marks.unsteady:
        return UNSTEADY, [f"there was no steady state to disturb: {marks.unsteady}"]
    if marks.impossible:
        return UNKNOWN, [f"the fault could not be brought about: {marks.impossible}"]
    if marks.trouble:
        return NOT_RECOVERED, [marks.trouble]
    if marks.injected is None:
        return UNSTEADY, ["the run ended before the fault came"]
    missed = [miss(one, measured) for one in marks.predicted if not one.met(actual(one, measured))]
    if measured.get("recover_s") is None and not any(one.startswith("recover") for one in missed):
        missed.append("recover_s: it did not recover while it was watched")
    if len(unknown) != marks.unknown:
        missed.append(f"workers lost: {_names(unknown)}; predicted: {marks.unknown or 'none'}")
    if missed and len(doubts) > marks.disturbed and not ledger:
        return UNKNOWN, [*doubts, *missed]
    missed += ledger
    if missed:
        return NOT_RECOVERED, missed
    lost = [f"unknown, as predicted: what {_names(unknown)} did"] if unknown else []
    return RECOVERED, [line(measured), *lost]


def miss(one: Expected, measured: Figures) -> str:
    """Return a line about a prediction that does not hold."""
    found = actual(one, measured)
    said = "not measured" if found is None else number(found, one.figure)
    if one.figure == "recover_s" and found is None:
        said = "it did not recover while it was watched"
    return f"{one.figure}: {said}, predicted {bounds(one)}" + (f" ({one.why})" if one.why else "")


def line(measured: Figures) -> str:
    """Return a recovery in one line."""
    lost, back = measured.get("lost") or 0, measured.get("recover_s") or 0.0
    return f"{lost:,.0f} lost, as predicted; recovered {back:.1f} s after the fault was healed"


def bounds(one: Expected) -> str:
    """Return the bounds of a figure in words."""
    least, most = (None if each is None else number(each, one.figure) for each in (one.least, one.most))
    if least == most and least is not None:
        return f"exactly {least}"
    if least is None or most is None:
        return f"at most {most}" if least is None else f"at least {least}"
    return f"{least.partition(' ')[0]} to {most}"


def number(value: float, figure: str) -> str:
    """Return a figure with its unit."""
    unit = FIGURES.get(figure.partition(".")[0], "")
    shown = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
    return f"{shown}{'' if unit in ('', '/s') else ' '}{unit}"


def _names(found: Collection[str]) -> str:
    return ", ".join(sorted(found)) or "none"


def document(
    marks: Marks,
    seconds: Sequence[Second],
    times: tuple[float | None, float | None],
    unknown: Collection[str] = (),
    ledger: Sequence[str] = (),
    doubts: Sequence[str] = (),
    asked_s: float | None = None,
) -> dict[str, Any]:
    """Return the field `drill` of verdict.json. Times are seconds of the run.

    `times`: when the fault was in effect and when it was healed; `asked_s`: when it was asked for.
    """
    injected_s, healed_s = times
    measured = {} if injected_s is None else measure(seconds, injected_s, healed_s, marks, asked_s)
    outcome, reasons = judge(marks, measured, unknown, ledger, doubts)
    return {
        "name": marks.name,
        "text": marks.text,
        "server": marks.server,
        "outcome": outcome,
        "reasons": reasons,
        "for_s": marks.for_s,
        "asked_s": asked_s,
        "injected_s": injected_s,
        "healed_s": healed_s,
        "predicted": [
            {**asdict(one), "actual": actual(one, measured), "ok": one.met(actual(one, measured))}
            for one in marks.predicted
        ],
        "measured": dict(measured),
        "unknown": {"predicted": marks.unknown, "measured": sorted(unknown)},
        "findings": list(marks.findings),
    }
