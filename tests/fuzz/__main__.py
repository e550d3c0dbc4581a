"""`make fuzz`: COUNT inputs (a million) for each server model and for the pure code, in TIME (60m) at most.

`make fuzz ONLY=select,wire SEED=7` chooses some, and repeats a run. Exit code 0: all is as it must be; 1: not, and the
last line says what, with the seed; 2: usage.
"""

import os
import sys
from collections.abc import Callable
from time import monotonic

from rawsocket.settings.row import seconds, whole
from server.models import MODELS
from tests.fuzz import models, wire
from tests.fuzz.tally import Failed, Tally

WIRE = "wire"
NAMES = (WIRE, *MODELS)
TERMINAL_EVERY_S, LOG_EVERY_S = 1.0, 30.0


class Progress:
    """A line that is drawn again on a terminal, and a line each half minute elsewhere."""

    def __init__(self, name: str, count: int) -> None:
        self._name, self._count = name, count
        self._terminal = sys.stderr.isatty()
        self._next = monotonic() + (0 if self._terminal else LOG_EVERY_S)

    def tell(self, tally: Tally) -> None:
        """Say how far it is, if it is time."""
        if monotonic() < self._next:
            return
        self._next = monotonic() + (TERMINAL_EVERY_S if self._terminal else LOG_EVERY_S)
        text = f"{self._name}: {tally.inputs:,} of {self._count:,} inputs, {tally.seconds:.0f} s"
        sys.stderr.write(f"\r\x1b[K{text}" if self._terminal else f"  ... {text}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Remove the line."""
        if self._terminal:
            sys.stderr.write("\r\x1b[K")


def line(name: str, tally: Tally) -> str:
    """Return what was done, as one line."""
    rate = tally.inputs / tally.seconds if tally.seconds else 0.0
    said = f"{name:9} {tally.inputs:>9,} inputs in {tally.seconds:5.0f} s ({rate:,.0f}/s)"
    if not tally.connections:
        return said
    return f"{said}, {tally.connections:,} connections, {tally.rude:,} of them rude"


def run(names: list[str], count: int, time_s: float, seed: int) -> int:
    """Fuzz all of them, each with its share of the time; return the exit code."""
    end = monotonic() + time_s
    for number, name in enumerate(names):
        now = monotonic()
        progress, until = Progress(name, count), now + (end - now) / (len(names) - number)
        try:
            tally = _fuzzer(name)(count, seed, until, progress.tell)
        except Failed as error:
            progress.end()
            print(f"{name}: {error} (SEED={seed} repeats it)")
            return 1
        progress.end()
        short = "" if tally.inputs >= count else f"; TIME was over before the {count:,} inputs"
        print(line(name, tally) + short, flush=True)
    print(f"No crash, no wrong reply or count, nothing left open (SEED={seed}).")
    return 0


def _fuzzer(name: str) -> Callable[[int, int, float, Callable[[Tally], None]], Tally]:
    if name == WIRE:
        return wire.fuzz
    return lambda count, seed, until, tell: models.fuzz(name, count, seed, until, tell)


def main() -> int:
    """Read the settings from the environment, as make gives them."""
    given = {name: os.environ.get(name, "").strip() for name in ("ONLY", "COUNT", "TIME", "SEED")}
    names = [name.strip() for name in given["ONLY"].split(",") if name.strip()] or list(NAMES)
    if unknown := [name for name in names if name not in NAMES]:
        sys.stderr.write(f"ONLY={','.join(unknown)}: expected some of {', '.join(NAMES)}\n")
        return 2
    try:
        count = whole(1).parse(given["COUNT"] or "1000000")
        time_s = seconds(given["TIME"] or "60m")
        seed = whole(0).parse(given["SEED"] or "1")
    except ValueError as error:
        sys.stderr.write(f"COUNT, TIME or SEED can't be used: {error} (make fuzz COUNT=1000000 TIME=60m SEED=1)\n")
        return 2
    return run(names, count, time_s, seed)


if __name__ == "__main__":
    sys.exit(main())
