"""Pure: what went wrong with the run itself, not the server: with the scenario, the master, the generator's machine.

Rules:

- Exceptions of the scenario and dead tasks end a run with exit code 1, whatever else it found.
- The generator's own shortage (no source port, descriptor or memory) is a doubt, and never a failure of the server.
- Of the verdict's exit code and one that the scenario has set, the worse one stands: any other code (1 among them) is
  worse than 3, 3 worse than 4, 4 worse than 0. Usage (2) and an interrupt (130) always stand.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rawsocket.measurement.report import ScenarioError

GENERATOR_LIMIT = "generator-limit"  # the failure's name, see errors.py
BROKEN = 1
FINAL = (2, 130)
RANKS = {0: 0, 4: 1, 3: 2}
OTHER = 3
VERDICTS = {0: "pass", 3: "fail", 4: "unknown"}
SHOWN = 2  # places of one type of exception in a reason
TYPES = 5


def merged(errors: Iterable[ScenarioError]) -> list[ScenarioError]:
    """Add up the errors of several processes by type and place; the most frequent come first."""
    found: dict[tuple[str, str], ScenarioError] = {}
    for one in errors:
        before = found.get((one.type, one.where))
        count = one.count + (before.count if before else 0)
        message = before.message if before else one.message
        found[one.type, one.where] = ScenarioError(one.type, one.where, message, count, one.library)
    return sorted(found.values(), key=lambda one: -one.count)


def scenario(errors: Sequence[ScenarioError]) -> list[str]:
    """Return a reason for each type of exception, the most frequent first."""
    kinds: dict[tuple[str, bool], list[ScenarioError]] = {}
    for one in errors:
        kinds.setdefault((one.type, one.library), []).append(one)
    reasons = [_reason(found) for found in kinds.values()]
    more = len(reasons) - TYPES
    return reasons if more <= 0 else [*reasons[:TYPES], f"{more} more types of exceptions: see scenario_errors"]


def _reason(found: Sequence[ScenarioError]) -> str:
    first, *others = found
    count = sum(one.count for one in found)
    times = "once" if count == 1 else f"{count} times"
    by = "the load library (no line of the scenario was in the traceback)" if first.library else "the scenario"
    also = [f"also at {one.where}" for one in others[: SHOWN - 1]]
    if len(others) >= SHOWN:
        also.append(f"and at {len(others) - SHOWN + 1} more places")
    return ", ".join([f"{by} raised {first.type} {times}, first at {first.where}: {first.message}", *also])


def generator_limit(count: int, example: str) -> list[str]:
    """Return the doubt about a generator whose own machine ran short, if it did."""
    if not count:
        return []
    times = "once" if count == 1 else f"{count} times"
    seen = f" ({example})" if example else ""
    return [
        f"the generator's own machine had no source port, descriptor or memory left {times}{seen}: use workers on "
        "other machines, more addresses in SOURCES, higher limits, or a lower rate of connects"
    ]


def worse(own: int, scenarios: int | None) -> int:
    """Return the exit code that stands: the verdict's own, or the one that the scenario has set (None: it hasn't)."""
    if scenarios is None or own in FINAL:
        return own
    return max(own, scenarios, key=lambda code: RANKS.get(code, OTHER))


def with_exit_code(document: Mapping[str, Any], scenarios: int | None) -> dict[str, Any]:
    """Return verdict.json with the exit code that stands, and a reason if the scenario set another one."""
    own = document["exit_code"]
    code = worse(own, scenarios)
    if scenarios is None or scenarios == own:
        return dict(document)
    if code == own:
        said = f"the scenario set the exit code {scenarios}; the verdict's own, {own}, is worse and stands"
        return {**document, "reasons": [*document["reasons"], said]}
    said = f"the scenario set the exit code {code}, which is worse than the verdict's own, {own}"
    return {
        **document, "verdict": VERDICTS.get(code, "fail"), "exit_code": code, "reasons": [said, *document["reasons"]],
    }  # fmt: skip
