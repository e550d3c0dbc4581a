"""When a user connects again after it has lost its connection, or got none. Pure.

`random` is a callable that returns a float from 0 up to 1.
"""

from rawsocket.engine.schedule import Random

BACKOFF = 0.5  # seconds: the upper bound of the first wait before a reconnect
BACKOFF_LIMIT = 30.0  # seconds: what the bound doubles up to
STAYED = 5.0  # seconds that a connection must last to be good without a reply


def no_jitter() -> float:
    """Return the longest wait each time: in the place of a Random, so that all wait for equally long."""
    return 1.0


def backoff(failures: int, random: Random) -> float:
    """Return the seconds to wait before the next attempt after `failures` in a row: exponential, with full jitter.

    Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    return random() * min(BACKOFF_LIMIT, BACKOFF * 2.0 ** min(failures, 16))
