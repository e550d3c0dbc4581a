"""The tutorial's first server: accept, recv once, print, reply, close; one client at a time.

It is here for comparison, so its faults are kept: an idle first connection blocks all others, and input that one recv
does not bring is lost. The lab added only counters, and an end when a signal comes.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import ClassVar

from server.blocking.accept import next_client, until_stopped
from server.models.base import PLAIN, Model, Promise, reply_to_chunk
from server.monitoring.log import log_failure
from server.service import Service
from server.system.errnos import close_reason

#: The tutorial's recv(1024) and listen(10).
RECEIVE_SIZE = 1024
BACKLOG = 10

_ONE_AT_A_TIME = "it serves one client at a time: the next waits until this one has left"
_BLOCKS = "recv and sendall block without a timeout"


class SyncModel(Model):
    """The tutorial's blocking server. `holdfast_server_loop_lag_seconds` is the time between two accepts."""

    exceptions: ClassVar[Mapping[Promise, str]] = {
        Promise.HOLDS: "it closes after its reply",
        Promise.MANY: _ONE_AT_A_TIME,
        Promise.FRAMES: "it calls recv once, and takes the result as one message in either framing",
        Promise.HALF_CLOSE: "it ignores the end of input: it replies to what one recv brought, and closes",
        Promise.CAP: f"{_ONE_AT_A_TIME}, and the backlog is the only queue",
        Promise.BOUNDS: _BLOCKS,
        Promise.IDLE: _BLOCKS,
        Promise.MEMORY: "it holds one message; a client that does not read blocks it instead",
        Promise.DESCRIPTORS: "it needs one at a time and has no spare",
        Promise.DRAINS: "a signal ends it in the middle of whatever it waits for",
        Promise.BEYOND_1024: "it never has that many",
        Promise.TLS: PLAIN,
    }
    backlog: ClassVar[int] = BACKLOG
    default_cap: ClassVar[int | None] = 1

    def serve(self, service: Service) -> None:
        """Serve one client after the other until a signal comes."""
        until_stopped(service, lambda: self._serve_one(service))

    def _serve_one(self, service: Service) -> None:
        sock, peer = next_client(service)
        reason = "cut"
        try:
            with sock:
                reason = self._answer(service, sock)
        except OSError as error:
            reason = close_reason(error)
            log_failure(service.log, peer, reason, error)
        finally:
            service.counters.closed[reason] += 1

    def _answer(self, service: Service, sock: socket.socket) -> str:
        """Return the reason for closing."""
        counters = service.counters
        data = sock.recv(RECEIVE_SIZE)
        if not data:
            return "client"
        counters.bytes_in += len(data)
        counters.messages += 1
        service.log.debug("getting data: %r", data)
        reply = reply_to_chunk(service, data)
        sock.sendall(reply)
        counters.replies += 1
        counters.bytes_out += len(reply)
        return "answered"
