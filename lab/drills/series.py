"""Drills one after the other: how far they are, what came of each, and the exit code of all."""

import time
from collections.abc import Callable, Mapping, Sequence

from lab.drills.drill import Drill
from lab.errors import EXIT_LAB_FAILED, EXIT_OK, LabError, UsageError
from lab.progress import say
from rawsocket.verdict.drills.recovery import UNKNOWN, VERDICTS

#: By exit code: what came of a drill. The page says why one is unknown.
OUTCOMES = {code: UNKNOWN if verdict == UNKNOWN else outcome for outcome, (verdict, code) in VERDICTS.items()}


def run(drills: Sequence[Drill], one: Callable[[Drill], int]) -> Mapping[str, int]:
    """Run each with `one`, which returns its exit code; gives the codes by name. A usage error ends the series."""
    begun, codes = time.monotonic(), dict[str, int]()
    for number, drill in enumerate(drills):
        left = (time.monotonic() - begun) / number * (len(drills) - number) if number else 0.0
        say(f"Drill {number + 1} of {len(drills)}{_minutes(left)}: {drill.name}: {drill.text}")
        try:
            codes[drill.name] = one(drill)
        except UsageError:
            raise
        except LabError as error:  # the next drill has a lab of its own
            say(f"{drill.name}: {error}")
            codes[drill.name] = EXIT_LAB_FAILED
    return codes


def table(codes: Mapping[str, int]) -> list[str]:
    """Return a line for each drill: its name and what came of it."""
    width = max(map(len, codes), default=0)
    return [f"{name:<{width}}  {OUTCOMES.get(code, f'exit code {code}')}" for name, code in codes.items()]


def worst(codes: Mapping[str, int]) -> int:
    """Return the exit code of all: 1 if a lab failed, else the highest; 0 if there was none."""
    found = set(codes.values())
    return EXIT_LAB_FAILED if EXIT_LAB_FAILED in found else max(found, default=EXIT_OK)


def _minutes(seconds: float) -> str:
    return f", about {max(1, round(seconds / 60))} min left" if seconds else ""
