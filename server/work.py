"""What a handler may do that it should not: compute for long, wait, and print. What each does to a loop is to be seen.

Rules:

- Work is measured by the thread's own CPU clock: the amount is the same on a crowded machine; it only takes longer.
- A hindrance comes before each reply, in whatever thread or process the model computes it: with one thread for
  everyone all wait, with a thread or a process for each connection only that one does.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import IO

from server.monitoring.log import EXCERPT
from server.protocol import Reply


def burn(seconds: float) -> None:
    """Spend `seconds` of the calling thread's CPU time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def hindered(reply: Reply, block_seconds: float, printing_to: IO[str] | None) -> Reply:
    """Return `reply`, done after a sleep of `block_seconds` and a line on `printing_to`; itself if there is neither."""
    if block_seconds:
        reply = partial(_after_sleep, reply, block_seconds)
    if printing_to is not None:
        reply = partial(_after_line, reply, printing_to)
    return reply


def _after_sleep(reply: Reply, seconds: float, message: bytes) -> bytes:
    time.sleep(seconds)
    return reply(message)


def _after_line(reply: Reply, stream: IO[str], message: bytes) -> bytes:
    # One write and one flush, as the tutorial's print: it returns when whoever reads the log has taken the line.
    with suppress(OSError):  # Nobody reads the log any more; serving goes on.
        stream.write(f"getting data: {message[:EXCERPT]!r}\n")
        stream.flush()
    return reply(message)
