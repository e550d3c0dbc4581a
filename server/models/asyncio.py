"""The standard library's answer: asyncio, with a Protocol for each connection (see `server/aio/`)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import ClassVar

from server.aio.hub import Hub, TimedSelector
from server.models.base import PLAIN, Model, Promise
from server.service import Service


class AsyncioModel(Model):
    """A Protocol for each connection, on asyncio's loop (epoll underneath)."""

    exceptions: ClassVar[Mapping[Promise, str]] = {Promise.TLS: PLAIN}

    def __init__(self) -> None:
        self._selector = TimedSelector()
        self._loop = asyncio.SelectorEventLoop(self._selector)

    def serve(self, service: Service) -> None:
        """Serve until a stop request has been carried out."""
        self._selector.counters = service.counters
        self._selector.now = monotonic()
        hub = Hub(service, self._loop, self._selector)
        try:
            self._loop.run_forever()
        finally:
            hub.source.close()
            self._loop.close()
