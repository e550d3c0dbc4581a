"""Plain counters, and their figures in the Prometheus text format.

Strategy: the serving thread adds to plain ints, no lock and no labels on its path; the admin thread reads them when it
is asked. Rules:

- A gauge that is a difference (connections = accepted - closed) is computed from the very values that are shown beside
  it, so the three always agree, whenever the scrape happens.
- Every way a connection ends has a name in `CLOSE_REASONS`; there is no 'other'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from time import monotonic

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

#: How a connection can end, and what each means.
CLOSE_REASONS: dict[str, str] = {
    "client": "the client ended its input, and had all its replies",
    "reset": "the client reset the connection or was gone",
    "timed-out": "the kernel gave the client up: no sign of life, or it would not take its replies",
    "idle": "silent for --idle-timeout",
    "message-timeout": "a message was not complete within --message-timeout",
    "too-long": "a message was longer than --max-message",
    "answered": "the sync model closes after its reply",
    "drain": "the server was asked to stop and owed nothing more",
    "cut": "the server was asked to stop and could not wait longer",
    "failed": "an error of the kernel that none of the others covers; it is in the log",
}


class Lag:
    """How long the serving thread stays away from waiting: its turns, in seconds.

    The value is the longest turn of the last full second and of what came since, the turn that is going on included:
    a loop that is stuck shows it while it is stuck. The model calls `away` before each wait and `back` after it.
    """

    __slots__ = ("_back_at", "_last", "_second", "_worst")

    def __init__(self) -> None:
        self._back_at = 0.0  # 0: waiting
        self._second = 0.0
        self._worst = 0.0
        self._last = 0.0

    def back(self, now: float) -> None:
        """Waiting has ended at `now` (monotonic seconds): a turn begins."""
        self._back_at = now

    def away(self, now: float) -> None:
        """The turn has ended at `now`; waiting begins."""
        turn = now - self._back_at if self._back_at else 0.0
        self._back_at = 0.0
        if now - self._second >= 1.0:
            self._last = self._worst if now - self._second < 2.0 else 0.0
            self._worst = 0.0
            self._second = now
        if turn > self._worst:
            self._worst = turn

    def seconds(self, now: float) -> float:
        """Return the longest turn as of `now`; safe to call from another thread."""
        back_at = self._back_at
        going_on = now - back_at if back_at else 0.0
        if now - self._second >= 2.0:
            return going_on  # The rest is older than two seconds.
        return max(self._last, self._worst, going_on)


class Counters:
    """What happened since the start. Written by the serving thread only, read by any."""

    __slots__ = (
        "accept_errors",
        "accepted",
        "bytes_in",
        "bytes_out",
        "closed",
        "lag",
        "messages",
        "refused",
        "replies",
        "turns",
        "unfinished",
    )

    def __init__(self) -> None:
        self.accepted = 0
        self.refused = 0
        self.accept_errors = 0
        self.closed = dict.fromkeys(CLOSE_REASONS, 0)
        self.messages = 0
        self.replies = 0
        self.unfinished = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.turns = 0
        self.lag = Lag()


class ServerCollector(Collector):
    """The counters as metric families.

    `dropped` tells how many log lines were lost, `cap` the connections allowed, `waiting` how many connections the
    kernel holds ready that were not accepted yet (None where it doesn't say). `about` are labels of what the counters
    mean: model, framing, app.
    """

    def __init__(
        self,
        counters: Counters,
        cap: Callable[[], int],
        dropped: Callable[[], int],
        waiting: Callable[[], int | None],
        about: Mapping[str, str],
    ) -> None:
        self._counters = counters
        self._cap = cap
        self._dropped = dropped
        self._waiting = waiting
        self._about = about

    def collect(self) -> Iterator[Metric]:
        """Yield every family, computed from one reading of the counters."""
        counters = self._counters
        yield InfoMetricFamily("holdfast_server", "What the counters are of", value=dict(self._about))
        if (waiting := self._waiting()) is not None:
            yield _gauge("backlog", "Connections that the kernel holds ready and nobody has accepted yet", waiting)
        closed = dict(counters.closed)  # Read before accepted: the difference can't be negative.
        accepted = counters.accepted
        yield _gauge("connections", "Connections held now", accepted - sum(closed.values()))
        yield _counter("accepted", "Connections admitted", accepted)
        yield _counter("refused", "Newcomers turned away with a line", counters.refused)
        yield _labelled("closed", "Connections ended, by reason", "reason", closed)
        yield _counter("messages", "Whole messages received", counters.messages)
        yield _counter("replies", "Replies produced", counters.replies)
        yield _counter("unfinished", "Messages that the client's end of input cut off", counters.unfinished)
        transferred = {"in": counters.bytes_in, "out": counters.bytes_out}
        yield _labelled("bytes", "Payload bytes, of admitted connections", "direction", transferred)
        yield _counter("accept_errors", "Failed accepts", counters.accept_errors)
        yield _gauge(
            "loop_lag_seconds", "Longest turn away from waiting, last second or two", counters.lag.seconds(monotonic())
        )
        yield _counter("loop_turns", "Turns of the loop", counters.turns)
        yield _gauge("max_connections", "Connections allowed at once", self._cap())
        yield _counter("log_dropped", "Log lines dropped because the writer was behind", self._dropped())


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"holdfast_server_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"holdfast_server_{name}", text, value=value)


def _labelled(name: str, text: str, label: str, values: dict[str, int]) -> Metric:
    family = CounterMetricFamily(f"holdfast_server_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def exposition(collector: Collector) -> Callable[[], bytes]:
    """Return what renders `collector` and the process's own figures as Prometheus text."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    return lambda: generate_latest(registry)
