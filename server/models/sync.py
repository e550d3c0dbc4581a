"""The tutorial's first server, faithfully: accept, recv once, print, reply, close; one client at a time.

It is here to be compared with, so its faults are kept: an idle first connection blocks all others, and what one recv
does not bring is lost. Only what the lab needs was added: counters, and an end when a signal says so.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from time import monotonic, sleep
from typing import ClassVar

from server.errnos import CAPACITY, NEWCOMER_LOST, PEER_GONE, PEER_LOST
from server.models.base import Promise
from server.service import Service
from server.signals import Stopped

#: The tutorial's recv(1024) and listen(10).
RECEIVE_SIZE = 1024
BACKLOG = 10

#: Pause after an accept that failed for want of descriptors; at once would spin.
REST_SECONDS = 1.0

_ONE_AT_A_TIME = "one client at a time: the next waits until this one has been served"
_BLOCKS = "recv and sendall wait as long as they must, so nothing looks at a clock"


class SyncModel:
    """The tutorial's blocking server. `holdfast_server_loop_lag_seconds` is how long it is away from accept()."""

    name: ClassVar[str] = "sync"
    exceptions: ClassVar[Mapping[Promise, str]] = {
        Promise.HOLDS: "it closes after its reply",
        Promise.MANY: _ONE_AT_A_TIME,
        Promise.FRAMES: "it calls recv once, and takes what that brings for a message in either framing",
        Promise.HALF_CLOSE: "it does not look at the end of input: it replies to what one recv brought, and closes",
        Promise.CAP: f"{_ONE_AT_A_TIME}, and the backlog is the only queue",
        Promise.BOUNDS: _BLOCKS,
        Promise.IDLE: _BLOCKS,
        Promise.MEMORY: "it holds one message; a client that does not read blocks it instead",
        Promise.DESCRIPTORS: "it needs one at a time and has no spare",
        Promise.DRAINS: "a signal ends it in the middle of whatever it waits for",
        Promise.BEYOND_1024: "it never has so many",
    }
    promises: ClassVar[frozenset[Promise]] = frozenset(Promise) - exceptions.keys()
    backlog: ClassVar[int] = BACKLOG
    default_cap: ClassVar[int | None] = 1
    wall: ClassVar[int | None] = None
    scales: ClassVar[bool] = False

    def serve(self, service: Service) -> None:
        """Serve one client after the other until a signal comes. Main thread only: signals interrupt nobody else."""
        service.listener.setblocking(True)
        try:
            service.stops.interrupting = True
            while not service.stops.take():
                self._turn(service)
        except Stopped:
            service.draining = True
        finally:
            service.stops.interrupting = False
        service.log.info("stopping")

    def _turn(self, service: Service) -> None:
        lag = service.counters.lag
        lag.away(monotonic())
        try:
            sock, peer = service.listener.accept()
        except OSError as problem:
            self._accept_failed(service, problem)
            return
        finally:
            lag.back(monotonic())
            service.counters.turns += 1
        service.counters.accepted += 1
        service.log.debug("new connection from %s", peer)
        reason = "cut"
        try:
            with sock:
                reason = self._serve_client(service, sock)
        except OSError as problem:
            reason = _reason(problem)
        finally:
            service.counters.closed[reason] += 1

    def _serve_client(self, service: Service, sock: socket.socket) -> str:
        """Return the reason for closing."""
        counters = service.counters
        data = sock.recv(RECEIVE_SIZE)
        if not data:
            return "client"
        counters.bytes_in += len(data)
        counters.messages += 1
        service.log.debug("getting data: %r", data)
        # The app is told the message as it would be in line framing; the tutorial's greeting does not look at it.
        message = data.removesuffix(b"\n") if service.settings.framing == "line" else data
        reply = service.reply(message)
        sock.sendall(reply)
        counters.replies += 1
        counters.bytes_out += len(reply)
        return "answered"

    def _accept_failed(self, service: Service, problem: OSError) -> None:
        if problem.errno not in CAPACITY and problem.errno not in NEWCOMER_LOST:
            raise problem
        service.counters.accept_errors += 1
        if problem.errno in CAPACITY:
            sleep(REST_SECONDS)


def _reason(problem: OSError) -> str:
    if problem.errno in PEER_GONE:
        return "reset"
    return "timed-out" if problem.errno in PEER_LOST else "failed"
