"""What the lab prints while it works: a line for each step on stderr, and more of them while a long step runs.

Results go to stdout; steps, progress and errors to stderr, so that a script can read the one without the other.
"""

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rawsocket.master.reports.layout import wrapped

# The master of a run writes such a line at least every 5 s: a JSON object, or text where HOLDFAST_PROGRESS is unset
# (rawsocket/headless.py). The first one says that the run has started.
PROGRESS_LINE = re.compile(r'^(held \d+/\d+ |\{"progress": )')
# Such a line of a run whose length its load shape decides.
SHAPED_LINE = re.compile(r'by its load shape$|"left_s": null')
# Before the run, its master says that it waits for TARGET (rawsocket/target_check.py).
WAIT_LINE = re.compile(r"^waiting for \S+: ")
_MESSAGE = re.compile(r'^\{"(progress|result|check)": ')


def message(line: str) -> dict[str, Any]:
    """Return the JSON object of a line: {"progress": ...}, {"result": ...} or {"check": ...}; {} for any other line."""
    if not _MESSAGE.match(line):
        return {}
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:  # cut off, because the master was killed
        return {}
    return found


def readable(log: str) -> str:
    """Return a master's log without its JSON objects."""
    return "\n".join(line for line in log.splitlines() if not _MESSAGE.match(line))


class Screen:
    """What is drawn in place on the terminal. A line that is written below it would be mixed with it."""

    def __init__(self) -> None:
        self.erase: Callable[[], None] = lambda: None


SCREEN = Screen()


def say(text: str) -> None:
    """Write one line about what is being done."""
    SCREEN.erase()
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def note(text: str) -> None:
    """Write a sentence about what is being done, wrapped where it is wider than a console."""
    say("\n".join(wrapped(text, "  ")))


def result(text: str) -> None:
    """Write one line of the result."""
    SCREEN.erase()
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def step(text: str, every: float = 10.0) -> Iterator[None]:
    """Announce a step; say every `every` seconds that it still runs, and at the end how long it took.

    A remark in parentheses at the end of `text` is in the announcement only.
    """
    done = threading.Event()
    short = text.partition(" (")[0]
    started = time.monotonic()

    def tick() -> None:
        while not done.wait(every):
            say("\n".join(wrapped(f"... {short}: {time.monotonic() - started:.0f} s", "      ", "  ")))

    note(f"{text} ...")
    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        done.set()
        ticker.join()
    say(f"  done in {time.monotonic() - started:.0f} s")
