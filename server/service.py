"""What every model is given: settings, listener, protocol, counters, log and stop requests, made once and in order.

Strategy: `assembled` opens what has a descriptor before the room for connections is reckoned, and closes all of it in
reverse however the server ends. Tests use it as `__main__` does, with port 0.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from server import limits, listener, protocol
from server.admin import Admin
from server.counters import Board, Counters
from server.logring import LogRing
from server.metrics import ServerCollector, exposition
from server.settings import Settings
from server.signals import StopRequests
from server.work import burn

if TYPE_CHECKING:
    from server.models.base import Model

#: Most bytes of one recv. More would let one connection's short messages fill a turn of the loop (16,384 of them
#: already take about 10 ms), less would cost more calls for long ones.
RECEIVE_SIZE = 16_384


@dataclass
class Service:
    """One server: what a model needs in order to serve. `draining` is set by the model and shown by /healthz."""

    settings: Settings
    listener: socket.socket
    board: Board
    counters: Counters
    log: LogRing
    stops: StopRequests
    reply: protocol.Reply
    new_decoder: Callable[[], protocol.Decoder]
    receive_size: int
    room: limits.Room
    draining: bool = False


@contextmanager
def assembled(settings: Settings, model: Model, log: LogRing, stops: StopRequests) -> Iterator[Service]:
    """Yield the service for `model`, listening, its admin port answering; raise `UsageError` where that can't be.

    The model holds its own descriptors already, and the soft limit has been raised: the room depends on both.
    """
    with ExitStack() as stack:
        backlog = settings.backlog or model.backlog
        sock = stack.enter_context(listener.listen(settings.host, settings.port, backlog, flag=""))
        listener.prepare_for_peers(sock)
        admin_sock = stack.enter_context(listener.listen(settings.admin_host, settings.admin_port, 64, flag="admin-"))
        service = _service(settings, model, log, stops, sock)
        collector = ServerCollector(
            service.board,
            cap=lambda: service.room.cap,
            dropped=lambda: log.dropped,
            waiting=lambda: listener.waiting(sock),
            about={"model": settings.model, "framing": settings.framing, "app": settings.app},
        )
        admin = Admin(admin_sock, exposition(collector), lambda: service.draining)
        admin.start()
        stack.callback(admin.close)
        log.info(
            "holdfast server listening on %s admin %s model %s pid %d",
            listener.shown(sock), listener.shown(admin_sock), settings.model, os.getpid(),
        )  # fmt: skip
        _mention_lowered_cap(settings, model, service)
        yield service


def _service(settings: Settings, model: Model, log: LogRing, stops: StopRequests, sock: socket.socket) -> Service:
    chunked = settings.framing == "chunk"
    board = Board()
    return Service(
        settings=settings,
        listener=sock,
        board=board,
        counters=board.row(0),
        log=log,
        stops=stops,
        reply=protocol.reply_for(settings.app, settings.framing, partial(burn, settings.work_ms / 1000)),
        new_decoder=protocol.decoder_for(settings.framing, settings.max_message),
        # In chunk framing a recv is a message, so the longest message is the most that one recv takes.
        receive_size=min(RECEIVE_SIZE, settings.max_message) if chunked else RECEIVE_SIZE,
        room=_room(settings, model),
    )


def _room(settings: Settings, model: Model) -> limits.Room:
    spare = 1  # Opened by the acceptor, after this.
    return limits.room(
        asked=settings.max_connections,
        default=model.default_cap,
        limit=limits.descriptor_limit(),
        wall=model.wall,
        in_use=limits.open_descriptors() + spare,
        model=settings.model,
    )


def _mention_lowered_cap(settings: Settings, model: Model, service: Service) -> None:
    wanted, cap = model.default_cap, service.room.cap
    if settings.max_connections is None and wanted is not None and cap < wanted:
        service.log.warning("the cap is %d connections, not %d: the descriptor limit allows no more", cap, wanted)
