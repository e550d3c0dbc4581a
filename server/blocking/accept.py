"""Accepting with calls that block: for models whose thread or process waits for one thing at a time."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from time import monotonic, sleep

from server.service import Service
from server.system.errnos import ACCEPT_ABORTED, OUT_OF_RESOURCES, WOULD_BLOCK
from server.system.signals import Stopped

#: Pause after an accept that ran out of descriptors; an immediate retry would spin.
RETRY_SECONDS = 1.0


def until_stopped(service: Service, turn: Callable[[], None]) -> None:
    """Call `turn` again and again; a stop signal interrupts whatever it waits for.

    Main thread only: signals interrupt no other thread.
    """
    service.listener.setblocking(True)
    try:
        service.stops.interrupting = True
        while not service.stops.read_requests():
            turn()
    except Stopped:
        pass
    finally:
        service.stops.interrupting = False
    service.draining = True
    service.log.info("stopping")


def next_client(service: Service, wait: Callable[[float], None] = sleep) -> tuple[socket.socket, object]:
    """Wait for a new connection; return its socket and address. A failed accept is counted and retried.

    `wait` is called before each accept: it pauses for that many seconds, and waits for a connection if accept does not.
    Raise Stopped when the listener has been shut down, as a parent process does when it ends.
    Here the loop's lag is the time that the caller spends elsewhere, and its turns are the accepts.
    """
    counters, pause, exhausted = service.counters, 0.0, False
    while True:
        counters.lag.turn_ended(monotonic())
        try:
            wait(pause)
            sock, peer = service.listener.accept()
        except OSError as error:
            pause = RETRY_SECONDS if _out_of_descriptors(error, service) else 0.0
            if pause and not exhausted:
                exhausted = True
                service.log.warning("%s: new connections wait until descriptors are available", error)
            continue
        finally:
            counters.lag.turn_started(monotonic())
            counters.turns += 1
        if exhausted:
            service.log.info("descriptors are available again")
        counters.accepted += 1
        service.log.debug("new connection from %s", peer)
        return sock, peer


def _out_of_descriptors(error: OSError, service: Service) -> bool:
    """Count a failed accept, and return whether descriptors ran out; raise what must not be retried."""
    if error.errno == errno.EINVAL:
        raise Stopped from None
    if error.errno in WOULD_BLOCK:
        return False  # Another process was faster.
    if error.errno not in OUT_OF_RESOURCES and error.errno not in ACCEPT_ABORTED:
        raise error
    service.counters.accept_errors += 1
    return error.errno in OUT_OF_RESOURCES
