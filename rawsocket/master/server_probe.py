"""Reads the server's own counters from its admin port, beside the load and never in its way.

Every second, in a greenlet of its own, with a short timeout; where there is no admin port, or it doesn't
answer, the count is None (unknown, not zero). The client's count never reads it: the two stand beside each
other and may disagree.
"""

import logging
import time
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

import gevent
from prometheus_client.parser import text_string_to_metric_families

PREFIX = "holdfast_server_"
TIMEOUT_S = 0.8
INTERVAL_S = 1.0
STALE_S = 3.0

Counters = dict[str, Any]
logger = logging.getLogger(__name__)


def parse(text: str) -> Counters:
    """Give {name: value} of the `holdfast_server_*` metrics, {name: {label: value}} for those with one label."""
    counters: Counters = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not sample.name.startswith(PREFIX) or sample.name.endswith("_created"):
                continue
            name = sample.name.removeprefix(PREFIX)
            if sample.labels:
                counters.setdefault(name, {})["/".join(sample.labels.values())] = _number(sample.value)
            else:
                counters[name] = _number(sample.value)
    return counters


def since(start: Mapping[str, Any], end: Mapping[str, Any]) -> Counters:
    """Give `end` with every `_total` less what it was at `start`; as it is where the server was restarted meanwhile."""
    grown = {}
    for name, value in end.items():
        if not name.endswith("_total"):
            grown[name] = value
        elif isinstance(value, dict):
            before = start.get(name, {})
            grown[name] = {label: _less(count, before.get(label, 0)) for label, count in value.items()}
        else:
            grown[name] = _less(value, start.get(name, 0))
    return grown


def _less(count: float, before: float) -> float:
    return count - before if count >= before else count


def _number(value: float) -> float:
    return int(value) if value == int(value) else value


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as reply:
        return str(reply.read().decode())


class ServerProbe:
    """Polls `admin` ("http://server:8687"; "" for none); `held` and `counters` give what it last said."""

    def __init__(
        self,
        admin: str,
        get: Callable[[str], str] = _get,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = f"{admin.rstrip('/')}/metrics" if admin else ""
        self._get = get
        self._clock = clock
        self._latest: Counters | None = None
        self._at = float("-inf")
        self._reachable = True

    def poll(self) -> None:
        """Ask once; blocks this greenlet for `TIMEOUT_S` at most."""
        if not self._url:
            return
        try:
            with gevent.Timeout(TIMEOUT_S * 2, OSError("no answer in time")):
                self._latest = parse(self._get(self._url))
        except (OSError, ValueError) as error:
            self._note(False, error)
        else:
            self._at = self._clock()
            self._note(True)

    def _note(self, reachable: bool, error: Exception | None = None) -> None:
        """Log at each crossing, not at each poll."""
        if reachable != self._reachable:
            message = "the server's admin port answers again" if reachable else "no count from the server: %s"
            logger.info(message, *([] if reachable else [error]))
        self._reachable = reachable

    def run(self) -> None:
        """Poll for ever."""
        while self._url:
            self.poll()
            gevent.sleep(INTERVAL_S)

    @property
    def counters(self) -> Counters | None:
        """The server's counters, None where they are unknown or older than `STALE_S`."""
        return self._latest if self._clock() - self._at < STALE_S else None

    @property
    def held(self) -> int | None:
        """The connections that the server itself counts as open."""
        counters = self.counters
        return None if counters is None or "connections" not in counters else int(counters["connections"])
