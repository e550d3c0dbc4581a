"""Pure: what the back-off of users that reconnect makes of an outage (rawsocket/engine/schedule.py).

The wait before attempt n is between 0 and 0.5 * 2^(n-1) seconds, at random (full jitter): a quarter of 2^n on average.
"""

import math

from rawsocket.verdict.drills.prediction import Expected

FIRST_S = 0.5
LIMIT_S = 30.0
SETTLE_S = 4.0  # for attempts on their way, the report of the last one, and the sampling
ATTEMPTS_A_SECOND = 6.0  # of one user, at most, in its first second: waits of 0 to 0.5, 1 and 2 s
DYING_S = 0.05  # for which the socket of a server that is being killed may still take connections


def lost_most(held: int) -> int:
    """Return how many connections a killed server loses at most: those that come back while it dies, once more."""
    return held + math.ceil(held * DYING_S / FIRST_S)


def lost(held: int) -> Expected:
    """Return what is expected of the connections of a server that is killed."""
    return Expected("lost", held, lost_most(held), "and those that come back as it dies")


def recover_s(outage_s: float) -> float:
    """Return within which time after an outage all users are back: its last wait is begun just before the end."""
    # After n attempts a quarter of (2^n - 1) seconds have passed on average, so the wait that goes on has a bound of
    # 2 * outage + 0.5. Some users are unlucky, and are one step further.
    return min(LIMIT_S, 4 * outage_s + 2 * FIRST_S) + SETTLE_S


def attempts(outage_s: float) -> float:
    """Return how many attempts a user makes on average at most: those during the outage, and the one after it."""
    return math.log2(4 * outage_s + 1) + 3.0
