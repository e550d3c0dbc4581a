"""Sends the figures of a run to a collector once a second, by OTLP over HTTP (OTEL_EXPORTER_OTLP_ENDPOINT).

Only the master sends, from what it has anyway, so no message costs more. It has a greenlet of its own and a short
timeout. A collector that is away, or refuses, is one log line; the run and its verdict don't depend on it.
"""

import http.client
import json
import logging
import time
import urllib.request
from collections.abc import Callable

import gevent

from rawsocket.master.controller import RunController
from rawsocket.master.observability import otlp_request
from rawsocket.master.run import Run

TIMEOUT_S = 0.8
INTERVAL_S = 1.0
logger = logging.getLogger(__name__)


def _post(url: str, body: bytes) -> None:
    asked = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=TIMEOUT_S) as reply:  # nosec: http and https only, see endpoints.py
        reply.read(65_536)


class OtlpExporter:
    """Sends what `controller` knows to `endpoint` ("" for none)."""

    def __init__(
        self,
        controller: RunController,
        endpoint: str,
        post: Callable[[str, bytes], None] = _post,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._controller = controller
        self._url = endpoint + otlp_request.PATH if endpoint else ""
        self._post = post
        self._clock = clock
        self._taken = True  # the last request
        self._told: Run | None = None  # the last run whose end was sent

    @property
    def present(self) -> bool:
        """Whether the settings name a collector."""
        return bool(self._url)

    def send(self) -> None:
        """Send the figures of the current run: while it goes on, and once after its end."""
        run = self._controller.run
        if not self._url or run.started_at is None or run is self._told:
            return
        ended = run.finished.is_set()
        try:
            with gevent.Timeout(TIMEOUT_S * 2, OSError("no answer in time")):
                self._post(self._url, json.dumps(otlp_request.request(self._figures(run))).encode())
        except (OSError, http.client.HTTPException) as error:
            self._note(False, str(error) or type(error).__name__)
        else:
            self._told = run if ended else None
            self._note(True)

    def send_last(self) -> None:
        """Send the end of a run before the process may end; a collector that did not answer is not waited for."""
        if self._taken:
            self.send()

    def run(self) -> None:
        """Send for ever."""
        while self._url:
            self.send()
            gevent.sleep(INTERVAL_S)

    def _figures(self, run: Run) -> otlp_request.RunFigures:
        controller, totals = self._controller, run.totals()
        messages = totals.messages.to_wire().items()
        return otlp_request.RunFigures(
            started_s=run.started_wall_s,
            now_s=self._clock(),
            held=controller.held(),
            users=controller.runner.user_count,
            server_held=controller.probe.held,
            failures=run.failures(),
            messages={outcome: count for outcome, count in messages if not isinstance(count, dict)},
            latency=run.latencies.by_kind(),
            attributes={
                "holdfast.scenario": run.info.scenario,
                "holdfast.target": run.info.target,
                "holdfast.run": run.info.started_utc,
            },
        )

    def _note(self, taken: bool, why: str = "") -> None:
        """Log at each crossing, not at each request."""
        if taken != self._taken:
            text = "the collector takes the figures again" if taken else f"no figures go to {self._url}: {why}"
            logger.warning(text)
        self._taken = taken
