"""Reads the metrics of the user's server (TARGET_METRICS) once a second, beside the load and never in its way.

It has a greenlet of its own, a short timeout and a bounded answer. An endpoint that fails is one log line, and its
series have no values in these seconds; the run and its verdict don't depend on it.
"""

import http.client
import logging
import time
import urllib.request
from collections.abc import Callable

import gevent

from rawsocket.master.observability import target_series
from rawsocket.master.observability.target_series import Answer, Values
from rawsocket.settings.endpoints import MOST, metrics_address

TIMEOUT_S = 0.8
INTERVAL_S = 1.0
STALE_S = 2.0  # an older answer is not used
LARGEST = 1 << 20  # bytes of an answer; what is beyond is not read
logger = logging.getLogger(__name__)


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as reply:  # nosec: http and https only, see endpoints.py
        whole = reply.read(LARGEST).decode("utf-8", "replace")
    return str(whole if len(whole) < LARGEST else whole.rpartition("\n")[0])


class TargetMetrics:
    """Polls `address` (as TARGET_METRICS has it; "" for none). `error` says why there is no answer, "" if there is."""

    def __init__(
        self,
        address: str,
        get: Callable[[str], str] = _get,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url, self._names = metrics_address(address) if address else ("", ())
        self.shown = self.url.partition("?")[0]  # for logs and the page: the rest may be a key
        self.error = ""
        self._get = get
        self._clock = clock
        self._latest, self._at = Answer(), float("-inf")
        self._before, self._before_at = Answer(), float("-inf")
        self._first: Answer | None = None  # of this run
        self._looks = 0
        self._chosen: list[str] = []

    @property
    def present(self) -> bool:
        """Whether the settings name an endpoint."""
        return bool(self.url)

    def begin_run(self) -> None:
        """Forget which series were chosen: those of the run that begins are chosen anew."""
        self._first, self._looks, self._chosen = None, 0, []

    def poll(self) -> None:
        """Ask once; blocks this greenlet for twice `TIMEOUT_S` at most."""
        asked = self._clock()
        try:
            with gevent.Timeout(TIMEOUT_S * 2, OSError("no answer in time")):
                answer = target_series.parse(self._get(self.url))
            if not answer.values:
                raise ValueError("its answer has no metrics in the Prometheus text format")
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._note(str(error) or type(error).__name__)
            return
        self._note("")
        self._before, self._before_at = self._latest, self._at
        self._latest, self._at = answer, asked
        self._choose()

    def _choose(self) -> None:
        if self._names:
            self._say_missing()
            self._chosen = target_series.named(self._latest, self._names)
            return
        self._first = self._first or self._latest
        self._looks += 1
        if self._looks > target_series.LOOKS and len(self._chosen) < MOST:
            found = target_series.changing(self._first, self._latest)
            self._chosen = list(dict.fromkeys([*self._chosen, *found]))[:MOST]

    def _say_missing(self) -> None:
        self._looks += 1
        if self._looks == target_series.LOOKS:
            for name in self._names:
                if not target_series.named(self._latest, [name]):
                    logger.warning("TARGET_METRICS: %s has no series %s", self.shown, name)

    def _note(self, error: str) -> None:
        """Log at each crossing, not at each poll."""
        if bool(error) != bool(self.error):
            text = f"no metrics from the target ({self.shown}): {error}" if error else "the target's metrics are back"
            logger.warning(text)
        self.error = error

    def run(self) -> None:
        """Poll for ever."""
        while self.url:
            self.poll()
            gevent.sleep(INTERVAL_S)

    def values(self) -> Values:
        """Return the latest value of each chosen series; none if the answer is older than `STALE_S`."""
        if self._clock() - self._at >= STALE_S:
            return {}
        return target_series.shown(self._chosen, self._before, self._latest, self._at - self._before_at)
