"""N processes behind one listener: the parent accepts, and sends each connection to the least loaded process.

Strategy: the acceptor admits and refuses as it does for a loop. Admitted connections are sent on at the end of the
turn, all that go to one process in one message. The child processes run loops that serve what comes through their
channel (see `descriptor_receiver.py`). So select gets past FD_SETSIZE: each process has its share, and no connection is
left to chance. Rules:

- The loads are even (see `children.py`); where connections end, new ones make the loads even again.
- No connection is left with a stuck process: what that has not accepted is sent to another. While no process can have
  the new connections (one has just died, all are full) they wait here, and further ones in the backlog.
- A process that stops by itself closes its end of the channel, serves what is in it, and gets nothing more.
- The connections of a process that dies are lost, and no others: those in its channel go to the next one. Its share is
  free from the moment when its death pipe hangs up, so clients that reconnect at once are not refused.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Collection
from typing import ClassVar

from server.models.base import Model
from server.monitoring.counters import SERVING
from server.monitoring.log import LogRing
from server.policy import NOTICE_ELSEWHERE_SECONDS
from server.processes import channel
from server.processes.children import SLOW_SECONDS, Child, distribute
from server.processes.descriptor_receiver import ORPHAN_DRAIN_SECONDS, DescriptorReceiver
from server.processes.parent import Parent
from server.processes.process_table import ProcessSlot
from server.readiness.acceptor import Acceptor
from server.service import Service
from server.system.limits import Capacity, descriptor_above_connections
from server.system.signals import StopRequests

#: In a stream of new connections, the loads are updated no more often than this: 1.5 us for each process.
LOAD_UPDATE_SECONDS = 0.005

#: Milliseconds that the server waits, once a second at most, for a death pipe before it refuses a connection.
DEATH_POLL_MS = 10


class Supervisor(Parent):
    """Keep processes that run a readiness model, and accept for them. The acceptor's host.

    `reported` is set when a process has received or lost a connection while reports were wanted, or has ended.
    """

    grace: ClassVar[float] = ORPHAN_DRAIN_SECONDS + 0.5
    notice_seconds: ClassVar[float] = NOTICE_ELSEWHERE_SECONDS

    def __init__(self, service: Service, model: type[Model]) -> None:
        capacity = service.capacity
        self._family = service.listener.family
        rows = {number: service.board.row(number) for number in range(1, capacity.processes + 1)}
        self._children = {number: Child(row, self._family) for number, row in rows.items()}
        self._death_pipes: dict[int, Child] = {}
        self._death_poll = select.poll()
        self._death_checked_at = 0.0
        self._new_connections: list[socket.socket] = []
        self._end_of_turn_calls: list[Callable[[], None]] = []
        self._total_load = 0
        self._loads_updated_at = 0.0
        self._in_flight = 0
        self.reported = False
        super().__init__(service, model)
        waits = service.settings.at_cap == "wait"
        self._acceptor = Acceptor(
            self, service.listener, capacity.cap, capacity.refusals, waits, counts=False, tls=service.tls
        )

    # What the acceptor calls

    def admit(self, sock: socket.socket, peer: object) -> None:
        """Keep a new connection until the end of the turn."""
        self._new_connections.append(sock)

    def call_at_end_of_turn(self, call: Callable[[], None]) -> None:
        """Call this when all events of the turn have been handled."""
        self._end_of_turn_calls.append(call)

    def connection_count(self) -> int:
        """Return how many connections the processes have, those on their way included."""
        if self._total_load + len(self._new_connections) >= self.service.capacity.cap and (
            self._note_dying() or self._loads_updated_at < self.now
        ):
            self._update_loads()
        return self._total_load + len(self._new_connections)

    # What the parent calls

    def _prepare(self, number: int) -> None:
        child = self._children[number]
        self._close_channel(child)  # Left over from a fork that failed.
        end = child.open_channel(self.now).parent_end
        assert child.death_pipe is not None
        self._death_pipes[child.death_pipe.parent_end] = child
        self._death_poll.register(child.death_pipe.parent_end, 0)
        self.handlers[end.fileno()] = _ChannelHandler(self, child, end)
        self.poller.watch(end.fileno(), True, False)

    def _start(self, slot: ProcessSlot) -> None:
        super()._start(slot)
        if slot in self._slots and (death_pipe := self._children[self._slots[slot]].death_pipe) is not None:
            death_pipe.close_child_end()

    def _descriptors_for(self, number: int) -> Collection[int]:
        death_pipe = self._children[number].death_pipe
        assert death_pipe is not None
        return (self._child_end(number).fileno(), death_pipe.child_end)

    def _service_for(self, number: int, stops: StopRequests, log: LogRing) -> Service:
        self.service.listener.detach()  # It is closed in the child, where its number may be used again.
        end, death_pipe = self._child_end(number), self._children[number].death_pipe
        assert death_pipe is not None
        death_pipe.move_child_end(descriptor_above_connections(self.service.capacity.share))
        service = super()._service_for(number, stops, log)
        service.capacity = Capacity(service.capacity.share, 0)
        service.open_source = lambda host: DescriptorReceiver(host, end, service, self.board, self._family)
        return service

    def _uncounted_connections(self, number: int) -> int:
        child = self._children[number]
        self._reclaim(child)
        uncounted = child.uncounted()
        self._close_channel(child)
        self.reported = True
        return uncounted

    def _on_timer(self) -> None:
        if self.board.stage != SERVING:
            return
        self._update_loads()
        self._acceptor.tick()
        self._acceptor.connection_closed()
        self._reclaim_from_stuck()
        if self._in_flight:
            self.wake_by(self.now + SLOW_SECONDS)

    def _end_of_turn(self) -> None:
        if self.board.stage != SERVING:
            self._close_new_connections()
            return
        if self.reported:
            self.reported = False
            self._update_loads()
            self._acceptor.connection_closed()
        while self._end_of_turn_calls:
            self._end_of_turn_calls.pop()()
        if self._new_connections:
            self._distribute_connections()
        self.board.in_parent = len(self._new_connections)
        self._acceptor.pause(bool(self._new_connections))
        self._request_reports(bool(self._new_connections) or self._acceptor.at_cap)

    def _stop_accepting(self) -> None:
        self.service.listener.shutdown(socket.SHUT_RDWR)  # The admin process has it open as well.
        self._acceptor.close()
        self._close_new_connections()

    # How it is done

    def _update_loads(self) -> None:
        self._loads_updated_at = self.now
        self._total_load = self._in_flight = 0
        for child in self._children.values():
            child.update_load(self.now)
            self._total_load += 0 if child.dying else child.load
            self._in_flight += child.in_flight

    def _note_dying(self) -> bool:
        """Mark the children whose death pipe has hung up; return whether there was one."""
        # After a quiet second, a client may reconnect a moment before the hang-up is seen, so wait a little for it.
        hung_up = self._death_poll.poll(DEATH_POLL_MS if self.now - self._death_checked_at >= 1.0 else 0)
        self._death_checked_at = self.now
        for fd, _ in hung_up:
            self._death_poll.unregister(fd)
            self._death_pipes.pop(fd).dying = True
        return bool(hung_up)

    def _distribute_connections(self) -> None:
        """Send the new connections to the processes, as far as there is room."""
        if self.now - self._loads_updated_at >= LOAD_UPDATE_SECONDS:
            self._update_loads()
        share = self.service.capacity.share
        while self._new_connections and (counts := distribute(len(self._new_connections), self._children, share)):
            for number, count in counts.items():
                batch = self._new_connections[:count]
                del self._new_connections[:count]
                if self._children[number].send_connections(batch, self.now):
                    self._total_load += count
                else:
                    self._new_connections += batch
            self.wake_by(self.now + SLOW_SECONDS)  # To check whether they were accepted.

    def _reclaim_from_stuck(self) -> None:
        """Take back what a stuck process has not accepted, if another would. One process at a time, to hold few."""
        stuck = [child for child in self._children.values() if child.stuck()]
        if not stuck or self._new_connections:
            return
        share, children = self.service.capacity.share, self._children.values()
        if any(child.accepts_connections() and not child.slow and child.load < share for child in children):
            self._reclaim(stuck[0])
            self.wake_by(self.now)  # For the next stuck process.

    def _reclaim(self, child: Child) -> None:
        sockets, lost = child.reclaim()
        self._new_connections += sockets
        self.counters.accept_errors += lost

    def _close_channel(self, child: Child) -> None:
        if child.channel is not None:
            self.forget(child.channel.parent_end.fileno())
            if child.death_pipe is not None and self._death_pipes.pop(child.death_pipe.parent_end, None) is not None:
                self._death_poll.unregister(child.death_pipe.parent_end)
            child.close_channel()

    def forget(self, fd: int) -> None:
        """Stop watching a descriptor."""
        self.poller.forget(fd)
        self.handlers.pop(fd, None)

    def _request_reports(self, wanted: bool) -> None:
        if wanted and not self.board.reports_wanted:
            self.wake_by(self.now)  # Check the loads once more: what happened before the request is not reported.
        self.board.reports_wanted = wanted

    def _close_new_connections(self) -> None:
        for sock in self._new_connections:
            sock.close()
        self._new_connections.clear()
        self.board.in_parent = 0

    def _child_end(self, number: int) -> socket.socket:
        """Return the end of the channel that belongs to process `number`."""
        found = self._children[number].channel
        assert found is not None
        return found.child_end


class _ChannelHandler:
    """The handler of the parent's end of a channel: it reads the child's reports."""

    def __init__(self, supervisor: Supervisor, child: Child, end: socket.socket) -> None:
        self._supervisor = supervisor
        self._child = child
        self._end = end

    def on_readable(self) -> None:
        while (received := channel.receive(self._end)) is not None:
            if received == channel.END:
                self._child.closing = True
                self._supervisor.forget(self._end.fileno())
                return
        self._supervisor.reported = True

    def on_writable(self) -> None:
        pass
