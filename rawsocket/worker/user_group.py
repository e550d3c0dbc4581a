"""Locust's group of users, for ten thousand of them: counted by class as they come and go, stopped in small slices.

Locust walks all users to count those of each class (16 to 35 ms at 10,000, with each
spawn, stop and report), and stops each in a greenlet of its own (0.7 s in which nothing else runs). Both would be
measured as latency of the server. locust_patches.py puts this group and its way of stopping into Locust.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import gevent
from gevent.pool import Group
from locust.runners import Runner

from rawsocket import locust_patches
from rawsocket.users.session_user import SessionUser

SLICE_S = 0.002  # of stopping users, before other greenlets run
BREATH_S = 0.0005  # a real timer: after sleep(0) gevent runs its callbacks for up to 100 ms before it looks at sockets
POLL_S = 0.02
Users = list[Any]  # of sessions: the user acts as its greenlet


class UserGroup(Group):
    """A group that counts its users by class."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: Counter[type] = Counter()
        self._classes: dict[Any, type] = {}  # of greenlets, which drop their user when they end

    def count_by_class(self) -> Mapping[type, int]:
        """Return the number of users of each class; 0 for any other class."""
        return self._counts

    def add(self, greenlet: Any) -> None:
        """Add a user, or its greenlet."""
        user_class = type(greenlet.args[0])
        if user_class is not type(greenlet):
            self._classes[greenlet] = user_class
        self._counts[user_class] += 1
        super().add(greenlet)

    def _discard(self, greenlet: Any) -> None:
        if greenlet in self.greenlets:
            self._counts[self._classes.pop(greenlet, type(greenlet))] -= 1
        super()._discard(greenlet)

    def killone(self, greenlet: Any, *args: Any, **kwargs: Any) -> None:
        """Kill a user, or its greenlet."""
        super().killone(greenlet, *args, **kwargs)
        if greenlet.ready():
            self.dying.discard(greenlet)  # a session's user ends at once, before gevent has noted that it is dying


class UserStopper:
    """Stops users of sessions itself, and lets Locust stop the others."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        locust_patches.replace_user_group(runner, UserGroup())
        locust_patches.count_users_by_group()
        locust_patches.replace_stop_users(runner, self.stop_users)

    def stop_users(self, locusts_own: Callable[[dict[str, int]], None], counts: dict[str, int]) -> None:
        """Stop the given number of users of each class; return when they have ended."""
        classes = self._runner.user_classes_by_name
        ours = {name for name in counts if issubclass(classes[name], SessionUser)}
        locusts_own({name: count for name, count in counts.items() if name not in ours})
        chosen = self._choose({classes[name]: counts[name] for name in ours})
        timeout = self._runner.environment.stop_timeout
        if timeout:
            in_slices(chosen, lambda user: user.stop(force=False))
            chosen = _still_running(chosen, time.monotonic() + timeout)
        in_slices(chosen, lambda user: user.stop(force=True))
        leaving = [user for user in chosen if not user.dead]  # they say goodbye
        if leaving:
            longest = max(user.goodbye_timeout for user in leaving)
            in_slices(_still_running(leaving, time.monotonic() + longest), lambda user: user.kill())

    def _choose(self, counts: Mapping[type, int]) -> Users:
        chosen: dict[type, Users] = {kind: [] for kind in counts}
        if any(counts.values()):
            for user in self._runner.user_greenlets:
                kind = type(user)
                if kind in chosen and len(chosen[kind]) < counts[kind]:
                    chosen[kind].append(user)
        return [user for users in chosen.values() for user in users]


def in_slices(users: Iterable[Any], stop: Callable[[Any], object]) -> None:
    """Call `stop` with each user; let sockets and timers run every SLICE_S seconds."""
    until = time.perf_counter() + SLICE_S
    for user in users:
        stop(user)
        if time.perf_counter() >= until:
            gevent.sleep(BREATH_S)
            until = time.perf_counter() + SLICE_S


def _still_running(users: Users, deadline: float) -> Users:
    """Wait until all users have ended; return those that have not at the deadline."""
    while (running := [user for user in users if not user.dead]) and time.monotonic() < deadline:
        gevent.sleep(POLL_S)
        users = running
    return running
