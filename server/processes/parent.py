"""The parent of several processes: begins them, begins them anew, adds up what they leave behind, and ends them.

Strategy: one thread that waits for signals (that a process has ended is one, too) and forks when it has to. It serves
nobody itself; `Supervisor` is one that accepts for its processes. /healthz and /metrics are answered by one more
process, since all that they show is on the board. Rules:

- What a process had counted is added to row 0 when it has ended, in one step with what was lost with it: totals never
  fall, and connections that nobody holds any more are counted as closed.
- Stop: SIGTERM to all, who drain, and cut after `drain_timeout`; a second request has them cut at once. Who has not
  ended `GRACE_SECONDS` later is killed, and that is not a good end.
- When the parent is killed, the processes end by themselves (see `processes` and `intake`).
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import ClassVar

from server.models.base import Model
from server.monitoring.counters import CUTTING, DRAINING, SERVING, Board, SharedBoard
from server.monitoring.log import CLOSE_SECONDS, LogRing
from server.processes.process_table import Place, Processes, ending, keep_only
from server.readiness.acceptor import Handler
from server.readiness.pollers import PollPoller
from server.service import Service
from server.system.signals import SIGNALS, OrderedStops, StopRequests

#: How long a process may take for an end that owes nothing to anybody, its last lines included.
GRACE_SECONDS = CLOSE_SECONDS + 1.0

IDLE_SECONDS = 1.0

NEVER = float("inf")


class Parent:
    """Keep `service.room.processes` processes that each run a `model`."""

    #: Seconds that a process may go on after this one has died.
    grace: ClassVar[float] = 0.0

    def __init__(self, service: Service, model: type[Model]) -> None:
        assert isinstance(service.board, SharedBoard)
        self.service = service
        self.board: SharedBoard = service.board
        self.counters = service.counters
        self.log = service.log
        self.now = self._wake_at = monotonic()
        self.handlers: dict[int, Handler] = {}
        self.poller = PollPoller()  # It has nothing in the kernel that a fork would share.
        self._model = model
        self._signals = _Signals(service.stops)
        self.handlers[service.stops.fileno()] = self._signals
        self.poller.watch(service.stops.fileno(), True, False)
        self._places = {self._place(number): number for number in range(1, service.room.processes + 1)}
        self._admin = Place("the admin process", self._run_admin)
        self._processes = Processes(self.log)
        self._kill_at = NEVER
        self._bad_end = False

    def run(self) -> bool:
        """Keep them until a request to stop has been carried out; return whether all of them came to a good end."""
        self.service.stops.install((*SIGNALS, signal.SIGCHLD))
        gc.collect()
        gc.freeze()  # Or the collector would write to every object, and so copy the memory that is shared.
        try:
            self._fill()
            while self.board.stage == SERVING or any(place.pid for place in self._places):
                self._turn()
        finally:
            self._processes.kill()
        return not self._bad_end

    def wake_by(self, when: float) -> None:
        """End the wait at `when` at the latest."""
        self._wake_at = min(self._wake_at, when)

    # What a parent that accepts for its processes does besides

    def _prepare(self, number: int) -> None:
        """Process `number` is going to be forked. An OSError puts it off."""

    def _kept_by(self, number: int) -> Collection[int]:
        """Return the descriptors that process `number` needs; called in that process."""
        return (self.service.listener.fileno(),)

    def _service_of(self, number: int, stops: StopRequests, log: LogRing) -> Service:
        """Return what process `number` serves with; called in that process."""
        log.counters = self.board.row(number)
        return replace(self.service, board=Board(), counters=log.counters, stops=stops, log=log)

    def _uncounted(self, number: int) -> int:
        """Return how many connections process `number`, which has ended, has taken and not counted."""
        return 0

    def _tick(self) -> None:
        """It is time for something, or a second is over."""

    def _turned(self) -> None:
        """A turn is nearly over."""

    def _close(self) -> None:
        """Let nobody in any more."""
        # Others have it open as well: closing it here would let the kernel go on.
        self.service.listener.shutdown(socket.SHUT_RDWR)
        self.service.listener.close()

    # Turns

    def _place(self, number: int) -> Place:
        """Return the place of process `number`, which is that of its row; to the outside they begin with 0."""
        return Place(f"process {number - 1}", partial(self._run, number), partial(self._prepare, number), self.grace)

    def _turn(self) -> None:
        lag = self.counters.lag
        before = monotonic()
        lag.away(before)
        readable, _ = self.poller.wait(max(0.0, self._wake_at - before))
        self.now = monotonic()
        lag.back(self.now)
        self.counters.turns += 1
        for fd in readable:
            handler = self.handlers.get(fd)  # It may have ended in the same turn.
            if handler is not None:
                handler.on_readable()
        if self._signals.stops:
            self._stop()  # First: who ends now was asked to, perhaps by a signal to the whole group.
        if self._signals.came:
            self._signals.came = False
            self._reap()
        if self.now >= self._wake_at:
            self._timers()
        self._turned()

    def _timers(self) -> None:
        self._wake_at = min(self.now + IDLE_SECONDS, self._kill_at)
        self._fill()
        self._tick()
        if self.now >= self._kill_at:
            self._kill()

    def _fill(self) -> None:
        """Begin who is missing, if it is time."""
        serving = self.board.stage == SERVING
        for place in (*(self._places if serving else ()), self._admin):
            if not place.pid and self.now >= place.due_at:
                self._begin(place)
            if not place.pid:
                self.wake_by(place.due_at)

    def _begin(self, place: Place) -> None:
        if not self._processes.begin(place):
            return
        if place in self._places:
            self.board.row(self._places[place]).pid = place.pid
            self.board.respawns += place.times > 1
        if place.times > 1:
            self.log.info("%s is begun anew (pid %d)", place.name, place.pid)

    def _reap(self) -> None:
        for place, pid, code in self._processes.reap():
            asked = self.board.stage != SERVING and code == -signal.SIGTERM  # So new that it had nothing to drain.
            if place is self._admin:
                if not asked:
                    self.log.warning("%s (pid %d) %s", place.name, pid, ending(code))
                continue
            lost = self._fold(self._places[place])
            if self.board.stage == SERVING and (code or lost):
                self.log.warning("%s (pid %d) %s: %d connections lost", place.name, pid, ending(code), lost)
            elif self.board.stage == SERVING:
                self.log.info("%s (pid %d) %s, having drained", place.name, pid, ending(code))
            elif lost or (code and not asked):
                self._bad_end = True
        self._fill()

    def _fold(self, number: int) -> int:
        """Keep what process `number`, which has ended, had counted; return how many connections are lost with it."""
        row, uncounted = self.board.row(number), self._uncounted(number)
        lost = row.held + uncounted
        with self.board.rewriting():
            self.counters.add(row)
            self.counters.accepted += uncounted
            self.counters.closed["lost"] += lost
            row.clear()
        return lost

    # The end

    def _stop(self) -> None:
        again = self._signals.stops > 1 or self.board.stage >= DRAINING
        self._signals.stops = 0
        if self.board.stage == SERVING:
            self._drain()
        if again:
            self._cut()

    def _drain(self) -> None:
        self.board.stage = DRAINING
        self.log.info("stopping: %d processes drain", sum(bool(place.pid) for place in self._places))
        self._order(self.service.settings.drain_timeout + GRACE_SECONDS)
        self._close()

    def _cut(self) -> None:
        self.board.stage = CUTTING
        self._order(GRACE_SECONDS)

    def _order(self, patience: float) -> None:
        """Have the processes look at the stage, and be done with it in `patience` seconds."""
        self._kill_at = min(self._kill_at, self.now + patience)
        self.wake_by(self._kill_at)
        self._send(signal.SIGTERM)

    def _kill(self) -> None:
        self._kill_at = NEVER
        self.log.error("stopping: some processes did not end in time, and are killed")
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        for place in self._places:
            if place.pid:
                os.kill(place.pid, number)  # It is there: who has ended stays until it is reaped.

    # In the processes

    def _run(self, number: int) -> None:
        keep_only(*self._kept_by(number))
        stops = OrderedStops(lambda: self.board.stage)
        stops.install((signal.SIGTERM,))
        log = LogRing(sys.stderr, self.service.settings.log_level, name=f"process {number - 1}: ")
        service = self._service_of(number, stops, log)
        model = self._model()
        log.start()
        try:
            model.serve(service)
        finally:
            log.close()

    def _run_admin(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # A group's SIGTERM is for the others: it answers to the end.
        # The listener is asked how many wait there.
        keep_only(self.service.admin.fileno(), self.service.listener.fileno())
        self.service.admin.serve()


class _Signals:
    """The handler of the descriptor that signals come through: it only takes note of them."""

    def __init__(self, requests: StopRequests) -> None:
        self._requests = requests
        self.came = False
        self.stops = 0

    def on_readable(self) -> None:
        self.came = True
        self.stops += self._requests.take()

    def on_writable(self) -> None:
        pass
