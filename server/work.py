"""What a handler may do and should not: compute for long, block, and print. The lab shows what each does to a loop.

Rules:

- Work is measured by the thread's own CPU clock: the amount is the same on a busy machine; it only takes longer.
- A delay comes before each reply, in whatever thread or process computes the reply: if one thread serves all
  connections, all of them wait; if each connection has a thread or process, only that connection does.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import IO

from server.monitoring.log import EXCERPT_BYTES
from server.protocol import Reply


def burn_cpu(seconds: float) -> None:
    """Use `seconds` of the calling thread's CPU time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def with_delays(reply: Reply, block_seconds: float, print_to: IO[str] | None) -> Reply:
    """Return `reply` preceded by a sleep of `block_seconds` and a line on `print_to`; unchanged with neither."""
    if block_seconds:
        reply = partial(_after_sleep, reply, block_seconds)
    if print_to is not None:
        reply = partial(_after_line, reply, print_to)
    return reply


def _after_sleep(reply: Reply, seconds: float, message: bytes) -> bytes:
    time.sleep(seconds)
    return reply(message)


def _after_line(reply: Reply, stream: IO[str], message: bytes) -> bytes:
    # One write and one flush, as the tutorial's print: it returns when the reader of the log has taken the line.
    with suppress(OSError):  # The log's reader is gone; serving goes on.
        stream.write(f"getting data: {message[:EXCERPT_BYTES]!r}\n")
        stream.flush()
    return reply(message)
