"""Work that takes processor time, not waiting time: what a busy handler does to a loop.

The thread's own CPU clock is read, so the amount is the same on a crowded machine; it only takes longer there.
"""

import time


def burn(seconds: float) -> None:
    """Spend `seconds` of the calling thread's CPU time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
