"""N processes over one listener: the parent accepts, and hands each newcomer to the least loaded of them.

Strategy: the Acceptor lets in and refuses as it does for a loop; who is let in is handed on at the end of the turn, all
newcomers of a process in one message. The processes are loops that hold what comes through their channel (`intake`).
So select gets past its wall: each process holds its share, and no connection is left to chance. Rules:

- The shares are even (see `children`), and where connections leave newcomers make them even again.
- No newcomer is left with a process that is stuck: what it has not taken is given to one that is not. With nobody to
  give newcomers to (a process has just died, all have their share) they wait here, and the others in the backlog.
- A process that stops by itself closes its end of the channel, takes what is in it, and is given nothing more.
- A process that dies takes its connections with it, and no others: what was in its channel is for the next. Its places
  are free from the moment when its lifeline is cut (see `lifeline`), so clients that come back at once aren't refused.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Collection
from typing import ClassVar

from server.models.base import Model
from server.monitoring.counters import SERVING
from server.monitoring.log import LogRing
from server.processes import channel
from server.processes.children import SLOW_SECONDS, Child, shared_out
from server.processes.descriptor_receiver import ORPHANS_DRAIN_SECONDS, Intake
from server.processes.parent import Parent
from server.processes.process_table import Place
from server.readiness.acceptor import Acceptor
from server.service import Service
from server.system.limits import Room, above_connections
from server.system.signals import StopRequests

#: While newcomers stream in, the loads are looked at no more often than this: it costs a microsecond and a half each.
LOOK_SECONDS = 0.005

#: Milliseconds that may pass, once a second at most, before a newcomer is told that the server is full.
CUT_MS = 10


class Supervisor(Parent):
    """Keep processes that run a readiness model, and accept for them. The acceptor's host.

    `told` is set when a process has taken a newcomer or lost a connection while that was waited for, or has ended.
    """

    grace: ClassVar[float] = ORPHANS_DRAIN_SECONDS + 0.5

    def __init__(self, service: Service, model: type[Model]) -> None:
        room = service.room
        self.receive_size = service.receive_size
        self._family = service.listener.family
        rows = {number: service.board.row(number) for number in range(1, room.processes + 1)}
        self._children = {number: Child(row, self._family) for number, row in rows.items()}
        self._lifelines: dict[int, Child] = {}
        self._cuts = select.poll()
        self._asked_at = 0.0
        self._newcomers: list[socket.socket] = []
        self._afterwards: list[Callable[[], None]] = []
        self._held = 0
        self._looked_at = 0.0
        self._in_flight = 0
        self.told = False
        super().__init__(service, model)
        waits = service.settings.at_cap == "wait"
        self._acceptor = Acceptor(self, service.listener, room.cap, room.refusals, waits, counts=False)

    # What the acceptor asks for

    def admit(self, sock: socket.socket, peer: object) -> None:
        """Keep a newcomer until the turn is over."""
        self._newcomers.append(sock)

    def afterwards(self, call: Callable[[], None]) -> None:
        """Call this at the end of the turn."""
        self._afterwards.append(call)

    def held(self) -> int:
        """Return how many connections are held by the processes, and on their way there."""
        if self._held + len(self._newcomers) >= self.service.room.cap and (
            self._any_dying() or self._looked_at < self.now
        ):
            self._look()
        return self._held + len(self._newcomers)

    # What the parent does

    def _prepare(self, number: int) -> None:
        child = self._children[number]
        self._close_channel(child)  # Of a fork that failed.
        near = child.begin(self.now).near
        assert child.lifeline is not None
        self._lifelines[child.lifeline.near] = child
        self._cuts.register(child.lifeline.near, 0)
        self.handlers[near.fileno()] = _Tidings(self, child, near)
        self.poller.watch(near.fileno(), True, False)

    def _begin(self, place: Place) -> None:
        super()._begin(place)
        if place in self._places and (lifeline := self._children[self._places[place]].lifeline) is not None:
            lifeline.is_held()

    def _kept_by(self, number: int) -> Collection[int]:
        lifeline = self._children[number].lifeline
        assert lifeline is not None
        return (self._end_of(number).fileno(), lifeline.far)

    def _service_of(self, number: int, stops: StopRequests, log: LogRing) -> Service:
        self.service.listener.detach()  # It is closed here, and its number will be somebody else's.
        source, lifeline = self._end_of(number), self._children[number].lifeline
        assert lifeline is not None
        lifeline.take(above_connections(self.service.room.share))
        service = super()._service_of(number, stops, log)
        service.room = Room(service.room.share, 0)
        service.entrance = lambda host: Intake(host, source, service, self.board, self._family)
        return service

    def _uncounted(self, number: int) -> int:
        child = self._children[number]
        self._take_back(child)
        uncounted = child.uncounted()
        self._close_channel(child)
        self.told = True
        return uncounted

    def _tick(self) -> None:
        if self.board.stage != SERVING:
            return
        self._look()
        self._acceptor.tick()
        self._acceptor.released()
        self._free_the_stuck()
        if self._in_flight:
            self.wake_by(self.now + SLOW_SECONDS)

    def _turned(self) -> None:
        if self.board.stage != SERVING:
            self._send_away()
            return
        if self.told:
            self.told = False
            self._look()
            self._acceptor.released()
        while self._afterwards:
            self._afterwards.pop()()
        if self._newcomers:
            self._give_out()
        self.board.arriving = len(self._newcomers)
        self._acceptor.pause(bool(self._newcomers))
        self._ask_to_be_told(bool(self._newcomers) or self._acceptor.at_cap)

    def _close(self) -> None:
        self.service.listener.shutdown(socket.SHUT_RDWR)  # The admin process has it, too.
        self._acceptor.close()
        self._send_away()

    # How it is done

    def _look(self) -> None:
        self._looked_at = self.now
        self._held = self._in_flight = 0
        for child in self._children.values():
            child.look(self.now)
            self._held += 0 if child.dying else child.load
            self._in_flight += child.in_flight

    def _any_dying(self) -> bool:
        """See to lifelines that were cut; return whether there was one."""
        # The first newcomer for a long time may be there a moment before the cut is seen, so it is waited for a little.
        cut = self._cuts.poll(CUT_MS if self.now - self._asked_at >= 1.0 else 0)
        self._asked_at = self.now
        for fd, _ in cut:
            self._cuts.unregister(fd)
            self._lifelines.pop(fd).dying = True
        return bool(cut)

    def _give_out(self) -> None:
        """Give the newcomers to the processes, as far as there is room."""
        if self.now - self._looked_at >= LOOK_SECONDS:
            self._look()
        share = self.service.room.share
        while self._newcomers and (counts := shared_out(len(self._newcomers), self._children, share)):
            for number, count in counts.items():
                portion = self._newcomers[:count]
                del self._newcomers[:count]
                if self._children[number].give(portion, self.now):
                    self._held += count
                else:
                    self._newcomers += portion
            self.wake_by(self.now + SLOW_SECONDS)  # to see whether they were taken

    def _free_the_stuck(self) -> None:
        """Take back what a process does not take, if there is one that would. One process's at a time, to hold few."""
        stuck = [child for child in self._children.values() if child.stuck()]
        if not stuck or self._newcomers:
            return
        share = self.service.room.share
        if any(child.able() and not child.slow and child.load < share for child in self._children.values()):
            self._take_back(stuck[0])
            self.wake_by(self.now)  # for the next one's

    def _take_back(self, child: Child) -> None:
        sockets, lost = child.take_back()
        self._newcomers += sockets
        self.counters.accept_errors += lost

    def _close_channel(self, child: Child) -> None:
        if child.channel is not None:
            self.forget(child.channel.near.fileno())
            if child.lifeline is not None and self._lifelines.pop(child.lifeline.near, None) is not None:
                self._cuts.unregister(child.lifeline.near)
            child.end()

    def forget(self, fd: int) -> None:
        """Watch a descriptor no more."""
        self.poller.forget(fd)
        self.handlers.pop(fd, None)

    def _ask_to_be_told(self, wanted: bool) -> None:
        if wanted and not self.board.telling:
            self.wake_by(self.now)  # What happened before they could know of it is not told: look once more.
        self.board.telling = wanted

    def _send_away(self) -> None:
        for sock in self._newcomers:
            sock.close()
        self._newcomers.clear()
        self.board.arriving = 0

    def _end_of(self, number: int) -> socket.socket:
        """Return the end of the channel that is process `number`'s."""
        found = self._children[number].channel
        assert found is not None
        return found.far


class _Tidings:
    """The handler of the near end of a channel: what its process tells."""

    def __init__(self, supervisor: Supervisor, child: Child, near: socket.socket) -> None:
        self._supervisor = supervisor
        self._child = child
        self._near = near

    def on_readable(self) -> None:
        while (received := channel.receive(self._near)) is not None:
            if received == channel.END:
                self._child.leaves = True
                self._supervisor.forget(self._near.fileno())
                return
        self._supervisor.told = True

    def on_writable(self) -> None:
        pass
