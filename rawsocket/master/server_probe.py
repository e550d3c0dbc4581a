"""Reads the server's own counters from its admin port, beside the load and never in its way.

It polls every second, in a greenlet of its own, with a short timeout; without an admin port or an answer the count is
None (unknown, not zero). The clients' count is independent of it: the two are shown side by side and may disagree. At
the end of a run the server is polled until it has seen the last connection closed, for the ledger.

A server with several processes has totals, and the same counts for each process (`process_...`). The totals never fall
while it runs; those of a process do when another process replaces it.
"""

import logging
import time
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

import gevent
from prometheus_client.parser import text_string_to_metric_families

from rawsocket.master.live.server_usage import ServerUsage

PREFIX = "holdfast_server_"
TIMEOUT_S = 0.8
INTERVAL_S = 1.0
STALE_S = 2.0  # an older answer is not used; the steady window waits as long: STEADY_AFTER_S
# When the server started, which shows a restart, and the CPU time of its first process.
STARTED = "process_start_time_seconds"
OWN_CPU = "process_cpu_seconds_total"
PER_PROCESS = "process_"
QUIET_POLL_S = 0.1
# The counts that no longer change when a server has seen all connections of a run closed.
MOVING = ("accepted_total", "refused_total", "closed_total", "messages_total", "replies_total", "bytes_total")

Counters = dict[str, Any]
logger = logging.getLogger(__name__)


def parse(text: str) -> Counters:
    """Return {name: value} of the `holdfast_server_*` metrics, {name: {label: value}} for those with labels.

    Several labels are joined by slashes ("3/client"). Beside them STARTED, the CPU time of all its
    running processes as `cpu_seconds`, and the labels of its info metric as `info` ({label: text}).
    """
    counters: Counters = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == STARTED:
                counters[STARTED] = sample.value
            elif sample.name == OWN_CPU:
                counters["cpu_seconds"] = sample.value
            elif sample.name == f"{PREFIX}info":
                counters["info"] = dict(sample.labels)
            elif sample.name.startswith(PREFIX) and not sample.name.endswith("_created"):
                _keep(counters, sample.name.removeprefix(PREFIX), sample.labels, _number(sample.value))
    if "cpu_seconds" in counters:
        counters["cpu_seconds"] += sum(counters.get(f"{PER_PROCESS}cpu_seconds_total", {}).values())
    return counters


def _keep(counters: Counters, name: str, labels: Mapping[str, str], value: float) -> None:
    if labels:
        counters.setdefault(name, {})["/".join(labels.values())] = value
    else:
        counters[name] = value


def restarted(start: Mapping[str, Any], end: Mapping[str, Any]) -> bool:
    """Return whether the server was restarted between the two: its first process changed, or a total has fallen.

    What only one of them has says nothing: a server without a descriptor left can't read its own start time.
    """
    if STARTED in start and STARTED in end and start[STARTED] != end[STARTED]:
        return True
    both = start.keys() & end.keys()
    totals = (name for name in both if name.endswith("_total") and not name.startswith(PER_PROCESS))
    return any(_fell(start[name], end[name]) for name in totals)


def _fell(before: Any, after: Any) -> bool:
    if isinstance(before, dict):
        return any(_fell(count, (after or {}).get(label, 0)) for label, count in before.items())
    return bool(after < before)


def since(start: Mapping[str, Any], end: Mapping[str, Any]) -> Counters:
    """Return `end` with every `_total` less its value at `start`, or unchanged if the server was restarted meanwhile.

    The counts of a process that was started meanwhile are unchanged, too.
    """
    grown = {}
    pids = start.get(f"{PER_PROCESS}pid", {})
    new = {process for process, pid in end.get(f"{PER_PROCESS}pid", {}).items() if pids.get(process) != pid}
    for name, value in end.items():
        if not name.endswith("_total"):
            grown[name] = value
        elif isinstance(value, dict):
            fresh = new if name.startswith(PER_PROCESS) else ()
            before = {at: n for at, n in start.get(name, {}).items() if at.partition("/")[0] not in fresh}
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


def _quiet(before: Counters, now: Counters, held: int) -> bool:
    if now.get("connections", 0) > held or now.get("backlog", 0):
        return False
    return all(now.get(name) == before.get(name) for name in MOVING)


class ServerProbe:
    """Polls `admin` ("http://server:8687"; "" for none); `held` and `counters` have its last answer.

    `usage` has the CPU and memory of a server without counters; the two are never there together.
    """

    def __init__(
        self,
        admin: str,
        get: Callable[[str], str] = _get,
        clock: Callable[[], float] = time.monotonic,
        usage: ServerUsage | None = None,
    ) -> None:
        self.usage = usage or ServerUsage()
        self._url = f"{admin.rstrip('/')}/metrics" if admin else ""
        self._get = get
        self._clock = clock
        self._latest: Counters | None = None
        self._at = float("-inf")
        self._before: tuple[float, Counters] = (float("-inf"), {})
        self._reachable = True

    @property
    def present(self) -> bool:
        """Whether the settings name an admin port."""
        return bool(self._url)

    def poll(self) -> Counters | None:
        """Ask once, and return the answer; blocks this greenlet for twice `TIMEOUT_S` at most."""
        if not self._url:
            return None
        asked = self._clock()
        try:
            with gevent.Timeout(TIMEOUT_S * 2, OSError("no answer in time")):
                latest = parse(self._get(self._url))
        except (OSError, ValueError) as error:
            self._note(False, error)
            return None
        self._before = self._at, self._latest or {}
        self._latest, self._at = latest, asked
        self._note(True)
        return latest

    def poll_until_quiet(self, held: int, seconds: float) -> Counters | None:
        """Poll until the server holds at most `held` connections and its counts are stable; return its last answer.

        After `seconds` return the last answer as it is; None if the last poll had none.
        """
        deadline = self._clock() + seconds
        before = None
        while True:
            now = self.poll()
            if not self._url or self._clock() >= deadline or (now and before and _quiet(before, now, held)):
                return now
            before = now
            gevent.sleep(QUIET_POLL_S)

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
        """The server's counters, None if they are unknown or older than `STALE_S`."""
        return self._latest if self._clock() - self._at < STALE_S else None

    @property
    def last_known(self) -> Counters | None:
        """The server's latest answer, however old it is; None if it has never answered."""
        return self._latest

    def rate(self, name: str) -> float | None:
        """Return by how much a count grew per second between the last two answers; None if that is unknown."""
        at, before = self._before
        now = (self.counters or {}).get(name)
        if now is None or name not in before or now < before[name] or self._at <= at:
            return None
        return float((now - before[name]) / (self._at - at))

    @property
    def held(self) -> int | None:
        """The connections that the server itself counts as open."""
        counters = self.counters
        return None if counters is None or "connections" not in counters else int(counters["connections"])
