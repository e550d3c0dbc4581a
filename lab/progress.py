"""What the lab prints while it works: a line for each step on stderr, and more of them while a long step runs.

Results go to stdout; steps, progress and errors to stderr, so that a script can read the one without the other.
"""

import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# The master of a run writes such a line each second (rawsocket/master/reports/console.py); the first one says that the
# run has started.
PROGRESS_LINE = re.compile(r"^held \d+/\d+ ")
# Before the run, its master says that it waits for TARGET (rawsocket/target_check.py).
WAIT_LINE = re.compile(r"^waiting for \S+: ")


def say(text: str) -> None:
    """Write one line about what is being done."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def result(text: str) -> None:
    """Write one line of the result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def step(text: str, every: float = 10.0) -> Iterator[None]:
    """Announce a step; say every `every` seconds that it still runs, and at the end how long it took."""
    done = threading.Event()
    started = time.monotonic()

    def tick() -> None:
        while not done.wait(every):
            say(f"  ... {text}: {time.monotonic() - started:.0f} s")

    say(f"{text} ...")
    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        done.set()
        ticker.join()
    say(f"  done in {time.monotonic() - started:.0f} s")
