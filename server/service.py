"""What every model is given: settings, listener, protocol, counters, log and stop requests, made once and in order.

Strategy: `assembled` opens what has a descriptor before the room for connections is reckoned, and closes all of it in
reverse however the server ends. Tests use it as `__main__` does, with port 0. A server of several processes is
assembled by the one that will be their parent: without a thread, since it is going to fork (see `processes`), and with
counters that all of them share.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from server import protocol
from server.monitoring.admin import Admin
from server.monitoring.counters import DRAINING, SERVING, Board, Counters, SharedBoard
from server.monitoring.log import LogRing
from server.monitoring.metrics import ServerCollector, exposition
from server.readiness.acceptor import Acceptor, Entrance, Host
from server.settings import Settings
from server.system import limits, listener
from server.system.signals import StopRequests
from server.work import burn, hindered

if TYPE_CHECKING:
    from server.models.base import Model

#: Most bytes of one recv. More would let one connection's short messages fill a turn of the loop (16,384 of them
#: already take about 10 ms), less would cost more calls for long ones.
RECEIVE_SIZE = 16_384

#: Bytes of the first recv, which is followed by one of `RECEIVE_SIZE` only if it was filled. Nearly all messages fit,
#: and so small a buffer is a block of Python's own allocator: malloc's for a large one costs 3 % of a message.
FIRST_SIZE = 448


@dataclass
class Service:
    """One server: what a model needs in order to serve. `draining` is set by the model and shown by /healthz.

    `admin` is for the parent of several processes, which has to have it answered.
    """

    settings: Settings
    listener: socket.socket
    board: Board
    counters: Counters
    log: LogRing
    stops: StopRequests
    reply: protocol.Reply
    answer: protocol.Answer
    new_decoder: Callable[[], protocol.Decoder]
    first_size: int
    receive_size: int
    room: limits.Room
    entrance: Callable[[Host], Entrance]
    admin: Admin

    @property
    def draining(self) -> bool:
        """Whether a request to stop is being carried out."""
        return self.board.stage >= DRAINING

    @draining.setter
    def draining(self, draining: bool) -> None:
        self.board.stage = DRAINING if draining else SERVING


@contextmanager
def assembled(
    settings: Settings, model: Model | type[Model], log: LogRing, stops: StopRequests, processes: int = 0
) -> Iterator[Service]:
    """Yield the service for `model`, listening, its admin port answering; raise `UsageError` where that can't be.

    The model holds its own descriptors already, and the soft limit has been raised: the room depends on both.
    """
    with ExitStack() as stack:
        backlog = settings.backlog or model.backlog
        sock = stack.enter_context(listener.listen(settings.host, settings.port, backlog, flag=""))
        listener.prepare_for_peers(sock)
        admin_sock = stack.enter_context(listener.listen(settings.admin_host, settings.admin_port, 64, flag="admin-"))
        room = _room(settings, model, processes)
        board = SharedBoard() if processes else Board()
        admin = _admin(settings, room, board, sock, admin_sock)
        service = _service(settings, model, room, board, sock, admin, log, stops)
        if not processes:
            admin.start()
            stack.callback(admin.close)
        log.info(
            "holdfast server listening on %s admin %s model %s pid %d%s",
            listener.shown(sock), listener.shown(admin_sock), settings.model, os.getpid(),
            f" processes {processes}" if processes else "",
        )  # fmt: skip
        _mention_lowered_cap(settings, model, service)
        yield service


def _admin(
    settings: Settings, room: limits.Room, board: Board, sock: socket.socket, admin_sock: socket.socket
) -> Admin:
    collector = ServerCollector(
        board,
        cap=room.cap,
        waiting=lambda: listener.waiting(sock),
        about={"model": settings.model, "framing": settings.framing, "app": settings.app},
        processes=room.processes,
    )
    return Admin(admin_sock, exposition(collector, os.getpid()), lambda: _trouble(board))


def _trouble(board: Board) -> str:
    if board.stage >= DRAINING:
        return "draining"
    return "" if board.serves() else "no process serves"


def _service(
    settings: Settings,
    model: Model | type[Model],
    room: limits.Room,
    board: Board,
    sock: socket.socket,
    admin: Admin,
    log: LogRing,
    stops: StopRequests,
) -> Service:
    log.counters = board.row(0)
    chunked = settings.framing == "chunk"
    chunk_size = min(RECEIVE_SIZE, settings.max_message)
    printing = model.prints if settings.log_sync is None else settings.log_sync
    plain = protocol.reply_for(settings.app, settings.framing, partial(burn, settings.work_ms / 1000))
    reply = hindered(plain, settings.block_ms / 1000, sys.stderr if printing else None)
    verbatim = settings.app == "echo" and reply is plain
    return Service(
        settings=settings,
        listener=sock,
        board=board,
        counters=board.row(0),
        log=log,
        stops=stops,
        reply=reply,
        answer=protocol.answer_for(settings.framing, settings.max_message, reply, verbatim),
        new_decoder=protocol.decoder_for(settings.framing, settings.max_message),
        # In chunk framing a recv is a message, so the longest message is the most that one recv takes.
        first_size=chunk_size if chunked else FIRST_SIZE,
        receive_size=chunk_size if chunked else RECEIVE_SIZE,
        room=room,
        entrance=partial(
            Acceptor, listener=sock, cap=room.cap, refusals=room.refusals, waits=settings.at_cap == "wait"
        ),
        admin=admin,
    )


def _room(settings: Settings, model: Model | type[Model], processes: int) -> limits.Room:
    limit, in_use = limits.descriptor_limit(), limits.open_descriptors() + 1  # The acceptor will open its spare one.
    if processes:
        return limits.shared_room(settings, model, processes, limit, in_use)
    return limits.room(
        asked=settings.max_connections,
        default=model.default_cap,
        limit=limit,
        wall=model.wall,
        in_use=in_use,
        model=settings.model,
        scales=model.scales,
    )


def _mention_lowered_cap(settings: Settings, model: Model | type[Model], service: Service) -> None:
    if settings.max_connections is not None or model.default_cap is None:
        return
    cap, wanted = service.room.cap, model.default_cap * (1 if model.preforks else service.room.processes or 1)
    if cap < wanted:
        service.log.warning("the cap is %d connections, not %d: the descriptor limit allows no more", cap, wanted)
