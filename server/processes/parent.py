"""The parent of several processes: it starts and restarts them, keeps their totals, and ends them.

Strategy: one thread that waits for signals (SIGCHLD included) and forks when needed. It serves no connections itself;
`Supervisor` is a parent that also accepts for its children. One more child process answers /healthz and /metrics, since
all that they show is on the board. Rules:

- When a process has ended, its counts are added to row 0, in one step with the connections lost with it: totals never
  fall, and connections that no process has any more are counted as closed.
- Stopping: SIGTERM to all children, which drain, and cut after `drain_timeout`; a second request makes them cut at
  once. A child that has not ended `GRACE_SECONDS` later is killed, and the server exits with 1.
- If the parent is killed, the children end by themselves (see `fork.py` and `descriptor_receiver.py`).
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

from server.interfaces import Handler
from server.models.base import Model
from server.monitoring.counters import CUTTING, DRAINING, SERVING, Board, SharedBoard
from server.monitoring.log import CLOSE_SECONDS, LogRing
from server.policy import NEVER
from server.processes.fork import close_descriptors_except
from server.processes.process_table import ProcessSlot, ProcessTable, describe_exit
from server.readiness.pollers import PollPoller
from server.service import Service
from server.system.signals import SIGNALS, ChildStopRequests, StopRequests

#: How long a child with nothing pending may take to end, its last log lines included.
GRACE_SECONDS = CLOSE_SECONDS + 1.0

IDLE_SECONDS = 1.0


class Parent:
    """Keep `service.capacity.processes` processes running that each run a `model`."""

    #: Seconds that a child may run after this process has died.
    grace: ClassVar[float] = 0.0

    def __init__(self, service: Service, model: type[Model]) -> None:
        assert isinstance(service.board, SharedBoard)
        self.service = service
        self.board: SharedBoard = service.board
        self.counters = service.counters
        self.log = service.log
        self.now = self._wake_at = monotonic()
        self.handlers: dict[int, Handler] = {}
        self.poller = PollPoller()  # Unlike epoll, it has no kernel object that a fork would share.
        self._model = model
        self._signals = _SignalHandler(service.stops)
        self.handlers[service.stops.fileno()] = self._signals
        self.poller.watch(service.stops.fileno(), True, False)
        self._slots = {self._slot_for(number): number for number in range(1, service.capacity.processes + 1)}
        self._admin = ProcessSlot("the admin process", self._run_admin)
        self._processes = ProcessTable(self.log)
        self._kill_at = NEVER
        self._failed = False

    def run(self) -> bool:
        """Run until a stop request has been carried out; return whether every process ended well."""
        self.service.stops.install((*SIGNALS, signal.SIGCHLD))
        gc.collect()
        gc.freeze()  # Otherwise the collector would write to every object, and so copy the shared memory.
        try:
            self._start_missing()
            while self.board.stage == SERVING or any(slot.pid for slot in self._slots):
                self._turn()
        finally:
            self._processes.kill_all()
        return not self._failed

    def wake_by(self, when: float) -> None:
        """End the wait at `when` at the latest."""
        self._wake_at = min(self._wake_at, when)

    # What a parent that accepts for its children does besides

    def _prepare(self, number: int) -> None:
        """Prepare the fork of process `number`. An OSError postpones it."""

    def _descriptors_for(self, number: int) -> Collection[int]:
        """Return the descriptors that process `number` needs; called in that process."""
        return (self.service.listener.fileno(),)

    def _service_for(self, number: int, stops: StopRequests, log: LogRing) -> Service:
        """Return what process `number` serves with; called in that process."""
        log.counters = self.board.row(number)
        return replace(self.service, board=Board(), counters=log.counters, stops=stops, log=log)

    def _uncounted_connections(self, number: int) -> int:
        """Return how many connections process `number`, which has ended, received and had not counted."""
        return 0

    def _on_timer(self) -> None:
        """Do what is due: called once a second, and when requested by `wake_by`."""

    def _end_of_turn(self) -> None:
        """Do what comes last in a turn."""

    def _stop_accepting(self) -> None:
        """Close the listener."""
        # Other processes have it open as well: after a close here alone, the kernel would still accept connections.
        self.service.listener.shutdown(socket.SHUT_RDWR)
        self.service.listener.close()

    # Turns

    def _slot_for(self, number: int) -> ProcessSlot:
        """Return the slot of process `number`, which is the number of its row; users see them from 0."""
        run, prepare = partial(self._run, number), partial(self._prepare, number)
        return ProcessSlot(f"process {number - 1}", run, prepare, self.grace)

    def _turn(self) -> None:
        lag = self.counters.lag
        before = monotonic()
        lag.turn_ended(before)
        readable, _ = self.poller.wait(max(0.0, self._wake_at - before))
        self.now = monotonic()
        lag.turn_started(self.now)
        self.counters.turns += 1
        for fd in readable:
            handler = self.handlers.get(fd)  # It may have ended in the same turn.
            if handler is not None:
                handler.on_readable()
        if self._signals.stop_requests:
            self._stop()  # First: a child that has ended was asked to, perhaps by a signal to the whole group.
        if self._signals.received:
            self._signals.received = False
            self._reap()
        if self.now >= self._wake_at:
            self._timers()
        self._end_of_turn()

    def _timers(self) -> None:
        self._wake_at = min(self.now + IDLE_SECONDS, self._kill_at)
        self._start_missing()
        self._on_timer()
        if self.now >= self._kill_at:
            self._kill()

    def _start_missing(self) -> None:
        """Start the processes that are missing and may be started now."""
        serving = self.board.stage == SERVING
        for slot in (*(self._slots if serving else ()), self._admin):
            if not slot.pid and self.now >= slot.next_start_at:
                self._start(slot)
            if not slot.pid:
                self.wake_by(slot.next_start_at)

    def _start(self, slot: ProcessSlot) -> None:
        if not self._processes.start(slot):
            return
        if slot in self._slots:
            self.board.row(self._slots[slot]).pid = slot.pid
            self.board.respawns += slot.starts > 1
        if slot.starts > 1:
            self.log.info("%s restarted (pid %d)", slot.name, slot.pid)

    def _reap(self) -> None:
        for slot, pid, code in self._processes.reap():
            ended_by_stop = self.board.stage != SERVING and code == -signal.SIGTERM  # It was too new to have a handler.
            if slot is self._admin:
                if not ended_by_stop:
                    self.log.warning("%s (pid %d) %s", slot.name, pid, describe_exit(code))
                continue
            lost = self._add_to_totals(self._slots[slot])
            if self.board.stage == SERVING and (code or lost):
                self.log.warning("%s (pid %d) %s: %d connections lost", slot.name, pid, describe_exit(code), lost)
            elif self.board.stage == SERVING:
                self.log.info("%s (pid %d) %s after draining", slot.name, pid, describe_exit(code))
            elif lost or (code and not ended_by_stop):
                self._failed = True
        self._start_missing()

    def _add_to_totals(self, number: int) -> int:
        """Keep the counts of process `number`, which has ended; return how many connections are lost with it."""
        row, uncounted = self.board.row(number), self._uncounted_connections(number)
        lost = row.connections + uncounted
        with self.board.atomic_update():
            self.counters.add(row)
            self.counters.accepted += uncounted
            self.counters.closed["lost"] += lost
            row.clear()
        return lost

    # Stopping

    def _stop(self) -> None:
        again = self._signals.stop_requests > 1 or self.board.stage >= DRAINING
        self._signals.stop_requests = 0
        if self.board.stage == SERVING:
            self._drain()
        if again:
            self._cut()

    def _drain(self) -> None:
        self.board.stage = DRAINING
        self.log.info("stopping: %d processes drain", sum(bool(slot.pid) for slot in self._slots))
        self._notify_stage(self.service.settings.drain_timeout + GRACE_SECONDS)
        self._stop_accepting()

    def _cut(self) -> None:
        self.board.stage = CUTTING
        self._notify_stage(GRACE_SECONDS)

    def _notify_stage(self, timeout: float) -> None:
        """Make the processes read the new stage, and kill those that have not ended after `timeout` seconds."""
        self._kill_at = min(self._kill_at, self.now + timeout)
        self.wake_by(self._kill_at)
        self._signal_all(signal.SIGTERM)

    def _kill(self) -> None:
        self._kill_at = NEVER
        self.log.error("stopping: some processes did not end in time and are killed")
        self._signal_all(signal.SIGKILL)

    def _signal_all(self, number: int) -> None:
        for slot in self._slots:
            if slot.pid:
                os.kill(slot.pid, number)  # The pid exists: an ended process stays until it is reaped.

    # In the child processes

    def _run(self, number: int) -> None:
        close_descriptors_except(*self._descriptors_for(number))
        stops = ChildStopRequests(lambda: self.board.stage)
        stops.install((signal.SIGTERM,))
        log = LogRing(sys.stderr, self.service.settings.log_level, name=f"process {number - 1}: ")
        service = self._service_for(number, stops, log)
        model = self._model()
        log.start()
        try:
            model.serve(service)
        finally:
            log.close()

    def _run_admin(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # It answers until the parent ends, also after a group's SIGTERM.
        # The listener is needed for the length of its backlog.
        close_descriptors_except(self.service.admin.fileno(), self.service.listener.fileno())
        self.service.admin.serve()


class _SignalHandler:
    """The handler of the descriptor that signals come through: it only records them."""

    def __init__(self, stops: StopRequests) -> None:
        self._stops = stops
        self.received = False
        self.stop_requests = 0

    def on_readable(self) -> None:
        self.received = True
        self.stop_requests += self._stops.read_requests()

    def on_writable(self) -> None:
        pass
