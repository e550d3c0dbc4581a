"""One real epoll and one timer structure for all connections of a process, inside gevent's hub.

Strategy: gevent's loop watches a single descriptor, the epoll's own; when that is readable, all ready descriptors are
handled in one callback of the hub, with no greenlet. Timers are kept in buckets of 1 ms, under one kernel timer in the
same epoll. A timer that is further away than FAR waits in a coarse bucket first. With one message every 10 s, most 1 ms
buckets would hold one timer, and the bucket would cost more than the timer.

Rules:

- A callback must not block or switch greenlets; gevent raises an error if it does.
- A turn handles at most SLICE events and SLICE timers, and no further event after TURN_S seconds. Then it returns to
  the hub, so that other greenlets keep running at full load (heartbeats, the page). The rest is handled in the next
  turn.
- A timer never fires early. One object has at most one timer: a new one replaces it.
- An exception in a handler is reported, to `on_error` or else through the hub, and does not affect the others.

Times are seconds of `time.perf_counter()`, which is the monotonic clock.
"""

import select
import sys
import time
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Protocol

import gevent
from gevent.monkey import get_original

from rawsocket.engine.schedule import millisecond
from rawsocket.engine.timerfd import TimerFd

READABLE, WRITABLE = select.EPOLLIN, select.EPOLLOUT
SLICE = 128  # at some 30 us each, a turn stays below 5 ms
TURN_S = 0.005  # a TLS handshake takes a millisecond
FAR = 256  # milliseconds of a coarse bucket


class Timed(Protocol):
    """An object that can have a timer; `key` belongs to the reactor and starts as 0."""

    key: int

    def on_time(self) -> None:
        """Called when the timer fires."""


class Handler(Protocol):
    """An object that can have a descriptor."""

    def on_ready(self, events: int) -> None:
        """Called when the descriptor is READABLE, WRITABLE or broken (other bits)."""


class Periodic:
    """Calls a function every `seconds`, never early; a missed call is skipped."""

    def __init__(self, reactor: "Reactor", seconds: float, function: Callable[[float], None]) -> None:
        self.key = 0
        self._reactor = reactor
        self.seconds = seconds
        self._function = function
        reactor.at(time.perf_counter() + seconds, self)

    def on_time(self) -> None:
        """Set the next timer and call the function with the current time."""
        now = time.perf_counter()
        self._reactor.at(now + self.seconds, self)
        self._function(now)


class Reactor:
    """See the module's rules. `close()` closes its descriptors."""

    def __init__(self) -> None:
        self._hub = gevent.get_hub()
        self._epoll = get_original("select", "epoll")()
        self._timer = TimerFd()
        self._epoll.register(self._timer.fd, READABLE)
        self._handlers: dict[int, Any] = {self._timer.fd: self}
        self._near: dict[int, list[Timed]] = {}  # by the millisecond at which they fire
        self._far: dict[int, list[Timed]] = {}  # by the millisecond at which they are put into `near`
        self._keys: list[int] = []  # a heap: milliseconds of the buckets
        self._armed = 0  # the millisecond that the kernel's timer is set to
        self._ready: list[tuple[int, int]] = []  # events that the last turn had no time for
        self.on_error: Callable[[BaseException], None] | None = None  # gets the exceptions of handlers
        self._watcher = self._hub.loop.io(self._epoll.fileno(), 1)
        self._watcher.start(self._turn)

    # -- descriptors --------------------------------------------------------------------------------------------

    def watch(self, fd: int, handler: Handler, events: int) -> None:
        """Call `handler.on_ready` whenever the descriptor is ready for one of `events`."""
        self._epoll.register(fd, events)
        self._handlers[fd] = handler

    def take_over(self, fd: int, handler: Handler, events: int) -> None:
        """Keep watching the descriptor, for other events or another handler."""
        self._epoll.modify(fd, events)
        self._handlers[fd] = handler

    def unwatch(self, fd: int) -> None:
        """Forget the descriptor before it is closed; closing removes it from the epoll."""
        self._handlers.pop(fd, None)

    def ignore(self, fd: int) -> None:
        """Stop watching the descriptor, which stays open."""
        self._epoll.unregister(fd)
        del self._handlers[fd]

    @property
    def handlers(self) -> list[Any]:
        """All current handlers, without the reactor's own timer."""
        return [handler for handler in self._handlers.values() if handler is not self]

    # -- timers -------------------------------------------------------------------------------------------------

    def at(self, when: float, timed: Timed) -> None:
        """Call `timed.on_time` at `when`, once; replaces its other timer."""
        if timed.key:
            self.forget(timed)
        timed.key = key = millisecond(when)
        now = int(time.perf_counter() * 1000)
        if key - now > 2 * FAR:
            at, buckets = _coarse(key), self._far
        else:
            at, buckets = key, self._near
        bucket = buckets.get(at)
        if bucket is not None:
            bucket.append(timed)
            return
        buckets[at] = [timed]
        heappush(self._keys, at)
        if at < self._armed or not self._armed:
            self._arm(at)

    def forget(self, timed: Timed) -> None:
        """Remove its timer, if it has one."""
        bucket = self._far.get(_coarse(timed.key))
        if bucket and timed in bucket:
            bucket.remove(timed)  # the bucket would keep the object alive for hours
        timed.key = 0  # fine buckets skip it when they fire

    def on_ready(self, events: int) -> None:
        """Fire the timers that are due, at most SLICE. Called for the kernel's timer."""
        keys, now, left = self._keys, int(time.perf_counter() * 1000), SLICE
        while keys and keys[0] <= now and left > 0:
            left -= self._fire(keys[0], left)
        self._armed = 0
        if keys:
            self._arm(keys[0])  # this also makes the timer unreadable
        else:
            self._timer.clear()

    def _fire(self, key: int, left: int) -> int:
        """Fire up to `left` timers of one bucket; return how many."""
        for timed in self._far.pop(key, ()):
            if timed.key:
                self._bring_near(timed)
        bucket = self._near.get(key, [])
        firing, later = bucket[:left], bucket[left:]
        if later:
            self._near[key] = later
        else:
            self._near.pop(key, None)
            heappop(self._keys)
        for timed in firing:
            if timed.key == key:
                timed.key = 0
                self._call(timed.on_time)
        return max(1, len(firing))

    def _bring_near(self, timed: Timed) -> None:
        bucket = self._near.get(timed.key)
        if bucket is None:
            bucket = self._near[timed.key] = []
            heappush(self._keys, timed.key)
        bucket.append(timed)

    def _arm(self, key: int) -> None:
        self._armed = key
        self._timer.arm(key / 1000)

    # -- the hub's callback -------------------------------------------------------------------------------------

    def _turn(self) -> None:
        handlers, clock = self._handlers, time.perf_counter
        end = clock() + TURN_S
        ready, self._ready = self._ready or self._epoll.poll(0, SLICE), []
        for number, (fd, events) in enumerate(ready, 1):
            handler = handlers.get(fd)
            if handler is None:
                continue  # closed by an earlier handler in this turn
            try:
                handler.on_ready(events)
            except Exception:
                self._report()
            if clock() > end:
                self._ready = ready[number:]
                return

    def _call(self, function: Callable[[], None]) -> None:
        try:
            function()
        except Exception:
            self._report()

    def _report(self) -> None:
        error = sys.exc_info()[1]
        if self.on_error is not None and error is not None:
            self.on_error(error)
            return
        self._hub.handle_error(self, *sys.exc_info())

    def close(self) -> None:
        """Stop and close the descriptors; timers are dropped."""
        self._watcher.stop()
        self._watcher.close()
        self._epoll.close()
        self._timer.close()


def _coarse(key: int) -> int:
    """Return the millisecond at which a timer for `key` leaves its coarse bucket."""
    return key // FAR * FAR - FAR
