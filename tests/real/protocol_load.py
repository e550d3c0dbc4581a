"""Loads a real server with a scenario of locustfiles/protocols/, in this process. Imports Locust."""

import time
from collections.abc import Callable
from typing import Any

from locustfiles.protocols.redis_pubsub import RedisSubscriber
from rawsocket import SessionUser
from rawsocket.measurement.recorder import RECORDER
from rawsocket.users.session.step_functions import RECEIVE, RECEIVE_OR_SLOT, SLOT
from tests.support.local_run import LONG, Run, wait_until

HOUR = 3600.0
FAR = 1.0  # seconds: no test has its slots that far apart


def load(
    user_class: type[Any] | list[type[Any]], target: str, users: int = 5, enough: dict[str, int] | None = None,
    settled: Callable[[], bool] = lambda: True, **options: Any,
) -> dict[str, int]:  # fmt: skip
    """Run users until each has come to a slot and each row of `enough` has so many events; return the rows' events.

    Before the users are stopped, all of them end what they do and then wait, until `settled()` is true as well.
    AssertionError if anything failed or got no reply.
    """
    RECORDER.begin_run()
    run = Run(user_class, target, users, stop_timeout=LONG / 3, **({"every": 0.01} | options))
    try:
        wait_until(lambda: RECORDER.failures or sum(map(_has_begun, run.runner.user_greenlets)) == users)
        wait_until(lambda: RECORDER.failures or all(run.row(name) >= least for name, least in (enough or {}).items()))
        run.environment.parsed_options.every = HOUR
        wait_until(lambda: RECORDER.failures or all(map(_waits, run.runner.user_greenlets)))
        wait_until(lambda: RECORDER.failures or settled())
    finally:
        run.stop()
    assert run.errors == []
    assert (RECORDER.failures, RECORDER.examples) == (0, {})
    assert (RECORDER.dropped, RECORDER.failed) == ({}, {})
    assert (RECORDER.wrong, RECORDER.unanswered_by) == (0, {})
    return {name: row.requests for group in RECORDER.groups for name, row in group.items()}


def _has_begun(user: Any) -> bool:
    """Return whether a session has come to its first slot; users without slots always have."""
    return not isinstance(user, SessionUser) or isinstance(user, RedisSubscriber) or bool(user.runner.period)


def _waits(user: Any) -> bool:
    """Return whether a session waits for a slot that is far away, or for a push if it has no slots.

    Users without a session end their task before they stop.
    """
    if not isinstance(user, SessionUser):
        return True
    runner = user.runner
    if not runner.period:
        return bool(runner.want == RECEIVE)
    return runner.want in (SLOT, RECEIVE_OR_SLOT) and bool(runner.slot - time.perf_counter() > FAR)
