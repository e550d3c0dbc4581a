"""A service as `python -m server` assembles it, in the test's own process."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

from server.assembly import open_service
from server.models.base import load
from server.monitoring.log import LogRing
from server.service import Service
from server.settings import parse
from server.system.signals import StopRequests


@contextmanager
def service(*flags: str, stream: io.StringIO | None = None) -> Iterator[Service]:
    """Yield a service that listens on free ports, with its log going to `stream`, until the block ends."""
    settings = parse(["--port", "0", "--admin-port", "0", *flags], {})
    log = LogRing(stream or io.StringIO(), settings.log_level)
    log.start()
    stops = StopRequests()
    try:
        with open_service(settings, load(settings.model)(), log, stops) as made:
            yield made
    finally:
        log.close()
        stops.close()
