"""Pure: what the back-off of users that reconnect makes of an outage (rawsocket/users/reconnect.py).

The wait before attempt n is between 0 and 0.5 * 2^(n-1) seconds, at random (full jitter): a quarter of 2^n on average.
Without jitter it is 0.5 * 2^(n-1) seconds, so attempt n comes 0.5 * (2^n - 1) seconds after the loss: 0.5, 1.5, 3.5 s.
"""

import math

from rawsocket.verdict.drills.prediction import Expected

FIRST_S = 0.5
LIMIT_S = 30.0
SETTLE_S = 4.0  # for attempts on their way, the report of the last one, and the sampling
ATTEMPTS_A_SECOND = 6.0  # of one user, at most, in its first second: waits of 0 to 0.5, 1 and 2 s
BOUND = "the bound of the next back-off"
DYING_S = 0.05  # for which the socket of a server that is being killed may still take connections


def lost_most(held: int, jitter: bool = True) -> int:
    """Return how many connections a killed server loses at most: those that come back while it dies, once more."""
    return held + math.ceil(held * DYING_S / FIRST_S) if jitter else held


def lost(held: int, jitter: bool = True) -> Expected:
    """Return what is expected of the connections of a server that is killed."""
    return Expected("lost", held, lost_most(held, jitter), "and those that come back as it dies" if jitter else "all")


def recover_s(outage_s: float, jitter: bool = True) -> float:
    """Return within which time after an outage all users are back: its last wait is begun just before the end."""
    if not jitter:  # attempt n is made after t seconds, the one before it after (t - 0.5) / 2
        return min(LIMIT_S, outage_s + FIRST_S) + SETTLE_S
    # After n attempts a quarter of (2^n - 1) seconds have passed on average, so the wait that goes on has a bound of
    # 2 * outage + 0.5. Some users are unlucky, and are one step further.
    return min(LIMIT_S, 4 * outage_s + 2 * FIRST_S) + SETTLE_S


def attempts(outage_s: float, jitter: bool = True) -> float:
    """Return how many attempts a user makes on average at most: those during the outage, and the one after it."""
    if not jitter:
        return math.floor(math.log2(outage_s / FIRST_S + 1)) + 1.0
    return math.log2(4 * outage_s + 1) + 3.0


def peak(held: int, workers: int, jitter: bool) -> tuple[float | None, float, str]:
    """Return the least and the most attempts a second between two samples, and why.

    Without jitter all attempts of a worker are in one of its reports, but those of two workers may be in two samples.
    Samples are half a second to two seconds apart.
    """
    if jitter:
        return None, ATTEMPTS_A_SECOND * held, "waits of 0 to 0.5, 1, 2 s"
    return held / workers / 2, 4 * held, "all come at the same moment, 0.5 and 1.5 s after the loss"
