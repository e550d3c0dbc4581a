"""Assembles the `Service` that a model is given: settings, listener, wire format, counters, log, stop requests.

Strategy: `open_service` opens everything that has a descriptor before the capacity is computed, and closes it in
reverse order however the server ends. Tests use it as `__main__` does, with port 0. The parent of several processes
assembles the service for all of them: without a thread, because it forks (see `processes/fork.py`), and with shared
counters.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from server import protocol
from server.interfaces import SourceHost
from server.models.base import Model, Promise
from server.monitoring.admin import Admin
from server.monitoring.counters import DRAINING, Board, SharedBoard
from server.monitoring.log import LogRing
from server.monitoring.metrics import ServerCollector, exposition
from server.readiness.acceptor import Acceptor
from server.service import Service
from server.settings import Settings, UsageError
from server.system import limits, listener
from server.system.signals import StopRequests
from server.work import burn_cpu, with_delays

if TYPE_CHECKING:
    import ssl

#: Most bytes of one recv. More would let one connection's short messages fill a turn of the loop (16,384 of them
#: already take about 10 ms), less would cost more calls for long ones.
RECEIVE_SIZE = 16_384

#: Bytes of the first recv. Nearly all messages fit, and such a small buffer comes from Python's own allocator: for a
#: large one, malloc costs 3 % of a message.
FIRST_SIZE = 448


@contextmanager
def open_service(
    settings: Settings, model: Model | type[Model], log: LogRing, stops: StopRequests, processes: int = 0
) -> Iterator[Service]:
    """Yield the service for `model`, listening, its admin port answering; raise `UsageError` if that is impossible.

    The model holds its own descriptors already, and the soft limit has been raised: the capacity depends on both.
    """
    tls = _tls_context(settings, model)
    with ExitStack() as stack:
        backlog = settings.backlog or model.backlog
        sock = stack.enter_context(listener.listen(settings.host, settings.port, backlog, flag=""))
        listener.set_inherited_options(sock)
        admin_sock = stack.enter_context(listener.listen(settings.admin_host, settings.admin_port, 64, flag="admin-"))
        capacity = _capacity(settings, model, processes)
        board = SharedBoard() if processes else Board()
        log.counters = board.row(0)
        service = Service(
            settings=settings,
            wire=wire_for(settings, model),
            listener=sock,
            board=board,
            counters=board.row(0),
            log=log,
            stops=stops,
            capacity=capacity,
            open_source=_acceptor_on(sock, settings, capacity, tls),
            tls=tls,
            admin=_admin(settings, capacity, board, sock, admin_sock),
        )
        if not processes:
            service.admin.start()
            stack.callback(service.admin.close)
        log.info(
            "holdfast server listening on %s admin %s model %s pid %d%s%s",
            listener.format_address(sock), listener.format_address(admin_sock), settings.model, os.getpid(),
            f" processes {processes}" if processes else "", " TLS" if tls else "",
        )  # fmt: skip
        _warn_of_lowered_cap(service, model)
        yield service


def _acceptor_on(
    sock: socket.socket, settings: Settings, capacity: limits.Capacity, tls: ssl.SSLContext | None
) -> Callable[[SourceHost], Acceptor]:
    waits = settings.at_cap == "wait"
    return lambda host: Acceptor(host, sock, capacity.cap, capacity.refusals, waits, tls=tls)


def _tls_context(settings: Settings, model: Model | type[Model]) -> ssl.SSLContext | None:
    certificate, key = settings.tls_cert, settings.tls_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        given, missing = ("--tls-key", "--tls-cert") if certificate is None else ("--tls-cert", "--tls-key")
        raise UsageError(f"{given} without {missing}: a certificate and its key belong together; give both")
    if Promise.TLS not in model.promises:
        raise UsageError(
            f"--tls-cert {certificate}: model {settings.model} doesn't speak TLS; leave out --tls-cert and --tls-key, "
            "or use --model select, poll or epoll"
        )
    from server.system.tls import server_context

    return server_context(certificate, key)


def _admin(
    settings: Settings, capacity: limits.Capacity, board: Board, sock: socket.socket, admin_sock: socket.socket
) -> Admin:
    collector = ServerCollector(
        board,
        cap=capacity.cap,
        backlog_length=lambda: listener.backlog_length(sock),
        labels={"model": settings.model, "framing": settings.framing, "app": settings.app},
        processes=capacity.processes,
    )
    return Admin(admin_sock, exposition(collector, os.getpid()), lambda: _health_problem(board))


def wire_for(settings: Settings, model: Model | type[Model]) -> protocol.Wire:
    """Return the wire format that the settings ask for; `model` says whether a log line precedes each reply."""
    print_messages = model.prints if settings.log_sync is None else settings.log_sync
    plain = protocol.reply_for(settings.app, settings.framing, partial(burn_cpu, settings.work_ms / 1000))
    reply = with_delays(plain, settings.block_ms / 1000, sys.stderr if print_messages else None)
    verbatim = settings.app == "echo" and reply is plain
    # In chunk framing a recv is a message, so one recv brings no more than the longest message.
    largest = min(RECEIVE_SIZE, settings.max_message) if settings.framing == "chunk" else RECEIVE_SIZE
    return protocol.Wire(
        reply=reply,
        answer=protocol.answer_for(settings.framing, settings.max_message, reply, verbatim),
        new_decoder=protocol.decoder_for(settings.framing, settings.max_message),
        first_size=largest if settings.framing == "chunk" else FIRST_SIZE,
        receive_size=largest,
    )


def _health_problem(board: Board) -> str:
    if board.stage >= DRAINING:
        return "draining"
    return "" if board.has_serving_process() else "no process serves"


def _capacity(settings: Settings, model: Model | type[Model], processes: int) -> limits.Capacity:
    limit, in_use = limits.rlimit_nofile(), limits.open_descriptors() + 1  # The acceptor will open its spare one.
    if processes:
        return limits.multi_process_capacity(settings, model, processes, limit, in_use)
    return limits.single_process_capacity(
        requested=settings.max_connections,
        default=model.default_cap,
        limit=limit,
        fd_setsize=model.fd_setsize,
        in_use=in_use,
        model=settings.model,
        multi_process=model.multi_process,
    )


def _warn_of_lowered_cap(service: Service, model: Model | type[Model]) -> None:
    if service.settings.max_connections is not None or model.default_cap is None:
        return
    cap, default = service.capacity.cap, model.default_cap * (1 if model.preforks else service.capacity.processes or 1)
    if cap < default:
        service.log.warning("the cap is %d connections, not %d: the descriptor limit allows no more", cap, default)
