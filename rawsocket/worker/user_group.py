"""Locust's group of users, for ten thousand of them: counted by class as they come and go, ended in small slices.

Locust walks all users whenever it wants to know how many of each class there are (16 to 35 ms at 10,000, with each
spawn, stop and report), and stops each in a greenlet of its own (0.7 s in which nothing else runs). Both would show up
as latency of the server's. Tests pin what is replaced here to the one Locust release that we name.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import gevent
from gevent.pool import Group
from locust.runners import Runner

from rawsocket.users.runner import Life

SLICE_S = 0.002  # of ending users, before others have their turn
BREATH_S = 0.0005  # a real timer: after sleep(0) gevent runs its callbacks for up to 100 ms before it looks at sockets
POLL_S = 0.02
Users = list[Any]  # of sessions: the user is its own greenlet


class Crowd(Group):
    """A group that knows how many users of each class are in it."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[type] = Counter()
        self._classes: dict[Any, type] = {}  # of greenlets, which forget their user when they end

    def add(self, greenlet: Any) -> None:
        """Take in a user, or its greenlet."""
        user_class = type(greenlet.args[0])
        if user_class is not type(greenlet):
            self._classes[greenlet] = user_class
        self.counts[user_class] += 1
        super().add(greenlet)

    def _discard(self, greenlet: Any) -> None:
        if greenlet in self.greenlets:
            self.counts[self._classes.pop(greenlet, type(greenlet))] -= 1
        super()._discard(greenlet)

    def killone(self, greenlet: Any, *args: Any, **kwargs: Any) -> None:
        """Kill a user, or its greenlet."""
        super().killone(greenlet, *args, **kwargs)
        if greenlet.ready():
            self.dying.discard(greenlet)  # a session's user dies at once, before gevent has noted that it is dying


class Ender:
    """Ends users of sessions itself and leaves the others to Locust."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._stop: Callable[[dict[str, int]], None] = runner.stop_users
        runner.stop_users = self.stop_users  # type: ignore[method-assign, assignment]
        runner.user_greenlets = Crowd()

    def stop_users(self, counts: dict[str, int]) -> None:
        """Stop so many users of each class; returns when they are gone."""
        classes = self._runner.user_classes_by_name
        ours = {name for name in counts if issubclass(classes[name], Life)}
        self._stop({name: count for name, count in counts.items() if name not in ours})
        chosen = self._choose({classes[name]: counts[name] for name in ours})
        timeout = self._runner.environment.stop_timeout
        if timeout:
            sliced(chosen, lambda user: user.stop(force=False))
            chosen = _left(chosen, time.monotonic() + timeout)
        sliced(chosen, lambda user: user.stop(force=True))

    def _choose(self, counts: Mapping[type, int]) -> Users:
        chosen: dict[type, Users] = {kind: [] for kind in counts}
        if any(counts.values()):
            for user in self._runner.user_greenlets:
                kind = type(user)
                if kind in chosen and len(chosen[kind]) < counts[kind]:
                    chosen[kind].append(user)
        return [user for users in chosen.values() for user in users]


def sliced(users: Iterable[Any], end: Callable[[Any], object]) -> None:
    """Call `end` with each of them, letting others have their turn every SLICE_S seconds."""
    until = time.perf_counter() + SLICE_S
    for user in users:
        end(user)
        if time.perf_counter() >= until:
            gevent.sleep(BREATH_S)
            until = time.perf_counter() + SLICE_S


def _left(users: Users, deadline: float) -> Users:
    """Wait until all have ended; gives those that have not at the deadline."""
    while (left := [user for user in users if not user.dead]) and time.monotonic() < deadline:
        gevent.sleep(POLL_S)
        users = left
    return left


def _user_classes_count(runner: Runner) -> dict[str, int]:
    group = runner.user_greenlets
    if not isinstance(group, Crowd):
        return dict(_original.__get__(runner))
    return {user_class.__name__: group.counts[user_class] for user_class in runner.user_classes}


_original: property = vars(Runner)["user_classes_count"]
setattr(Runner, "user_classes_count", property(_user_classes_count))  # noqa: B010 - mypy takes it for a constant
