"""The bounds of the back-off, against the back-off of the users itself."""

import random

import pytest

from lab.drills.processes import backoff
from rawsocket.users import reconnect


def _user(outage_s: float, dice: random.Random) -> tuple[float, int]:
    """Return when a user is back after the end of the outage, and how many attempts it made."""
    now, failures = reconnect.backoff(0, dice.random), 1
    while now < outage_s:
        now += reconnect.backoff(failures, dice.random)
        failures += 1
    return now - outage_s, failures


@pytest.mark.parametrize("outage_s", [0.0, 0.5, 2.0, 7.0])
def test_nearly_all_users_are_back_within_the_bound(outage_s: float) -> None:
    dice = random.Random(1)
    users = [_user(outage_s, dice) for _ in range(2000)]
    late = sum(back > backoff.recover_s(outage_s) - backoff.SETTLE_S for back, _ in users)
    assert late <= 0.01 * len(users)
    assert sum(attempts for _, attempts in users) / len(users) <= backoff.attempts(outage_s)


def test_first_second_has_no_more_attempts_than_the_bound() -> None:
    dice = random.Random(2)
    assert sum(_user(1.0, dice)[1] for _ in range(2000)) / 2000 <= backoff.ATTEMPTS_A_SECOND
    assert (backoff.FIRST_S, backoff.LIMIT_S) == (reconnect.BACKOFF, reconnect.BACKOFF_LIMIT)


@pytest.mark.parametrize("outage_s", [0.0, 0.5, 0.6, 2.0, 3.5, 7.0])
def test_without_jitter_all_users_do_the_same(outage_s: float) -> None:
    now, attempts = 0.0, 0
    while not attempts or now < outage_s:
        now += reconnect.backoff(attempts, reconnect.no_jitter)
        attempts += 1
    assert now - outage_s <= backoff.recover_s(outage_s, jitter=False) - backoff.SETTLE_S
    assert attempts <= backoff.attempts(outage_s, jitter=False) <= attempts + 1
    assert backoff.lost_most(40, jitter=False) == 40


def test_peak_without_jitter_is_that_of_one_worker_at_least() -> None:
    assert backoff.peak(40, 2, jitter=False)[:2] == (10, 160)
    assert backoff.peak(40, 2, jitter=True)[:2] == (None, 240)
