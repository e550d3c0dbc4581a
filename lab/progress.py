"""What the lab says while it works: one line for each step on stderr, a ticking one where a step is long.

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


def say(text: str) -> None:
    """Write one line for the person who waits."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def result(text: str) -> None:
    """Write one line of the result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def step(text: str, every: float = 10.0) -> Iterator[None]:
    """Announce a step that may be long, tell each `every` seconds that it still runs, and how long it took."""
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
