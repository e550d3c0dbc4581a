"""The counters in the Prometheus text format.

Strategy: for each scrape, the admin thread copies the board and computes everything from that copy. Rules:

- A gauge that is a difference (connections = accepted - closed) is computed from the values that are shown beside it,
  so the three always agree, whenever the scrape happens.
- Names without the label `process` are sums over all processes, ended ones included. With several processes, each has
  the same figures once more, as `holdfast_server_process_*`.
- Every way a connection ends has a name in `CLOSE_REASONS`; there is no 'other'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from server.monitoring.counters import Board, Counters
from server.system import procfs

#: Counters that are shown for the whole server and for each process: name, help, value.
_COUNTED: tuple[tuple[str, str, Callable[[Counters], int]], ...] = (
    ("accepted", "Connections admitted", lambda counters: counters.accepted),
    ("refused", "New connections refused with a line", lambda counters: counters.refused),
    ("messages", "Whole messages received", lambda counters: counters.messages),
    ("replies", "Replies produced", lambda counters: counters.replies),
    ("unfinished", "Messages cut off by the end of the client's input", lambda counters: counters.unfinished),
    ("accept_errors", "Failed accepts", lambda counters: counters.accept_errors),
    ("loop_turns", "Turns of the loop", lambda counters: counters.turns),
    ("log_dropped", "Log lines dropped because the writer was behind", lambda counters: counters.log_dropped),
)


class ServerCollector(Collector):
    """The board as metric families.

    `cap` is how many connections are allowed. `backlog_length` returns how many the kernel holds ready to be accepted
    (None if it doesn't say); connections on their way to a process are added to it. `processes` is how many child
    processes there should be (0: a single process serves). `labels` are the model, framing and app.
    """

    def __init__(
        self,
        board: Board,
        cap: int,
        backlog_length: Callable[[], int | None],
        labels: Mapping[str, str],
        processes: int = 0,
    ) -> None:
        self._board = board
        self._cap = cap
        self._backlog_length = backlog_length
        self._labels = labels
        self._processes = processes

    def collect(self) -> Iterator[Metric]:
        """Yield every family, computed from one copy of the board."""
        rows = self._board.copy()
        total = Counters()
        for row in rows:
            total.add(row)
        yield InfoMetricFamily("holdfast_server", "Model, framing and app", value=dict(self._labels))
        if (backlog := self._backlog_length()) is not None:
            in_transit = self._board.in_parent + sum(max(0, row.assigned - row.accepted) for row in rows[1:])
            yield _gauge("backlog", "Connections that are ready and not yet served", backlog + in_transit)
        now = monotonic()
        yield _gauge("connections", "Connections held now", total.connections)
        yield _gauge("max_connections", "Connections allowed at once", self._cap)
        lag = max(row.lag.seconds(now) for row in rows)
        yield _gauge("loop_lag_seconds", "Longest turn of the loop in the last second or two", lag)
        yield _labelled("closed", "Connections ended, by reason", "reason", total.closed)
        transferred = {"in": total.bytes_in, "out": total.bytes_out}
        yield _labelled("bytes", "Payload bytes of admitted connections", "direction", transferred)
        for name, text, figure in _COUNTED:
            yield CounterMetricFamily(f"holdfast_server_{name}", text, value=figure(total))
        serving = {number: row for number, row in enumerate(rows[1:]) if row.pid}
        yield _gauge("processes", "Processes that serve now", len(serving) if self._processes else 1)
        yield _gauge("processes_wanted", "Processes that should serve", self._processes or 1)
        yield CounterMetricFamily("holdfast_server_respawns", "Restarted processes", value=self._board.respawns)
        if self._processes:
            yield from _per_process_families(serving, now)


def _per_process_families(serving: Mapping[int, Counters], now: float) -> Iterator[Metric]:
    """Yield the figures of each process, with its number as label."""
    for name, text, figure in _COUNTED:
        yield _per_process(CounterMetricFamily, name, text, {n: figure(row) for n, row in serving.items()})
    for name, text, labels, values in (
        ("closed", "Connections ended, by reason", "reason", {n: dict(row.closed) for n, row in serving.items()}),
        (
            "bytes",
            "Payload bytes",
            "direction",
            {n: {"in": row.bytes_in, "out": row.bytes_out} for n, row in serving.items()},
        ),
    ):
        family = CounterMetricFamily(f"holdfast_server_process_{name}", text, labels=["process", labels])
        for number, counts in values.items():
            for label, count in counts.items():
                family.add_metric([str(number), label], count)
        yield family
    gauges: Sequence[tuple[str, str, Callable[[Counters], float]]] = (
        ("connections", "Connections held now", lambda row: row.connections),
        ("loop_lag_seconds", "Longest turn of the loop in the last second or two", lambda row: row.lag.seconds(now)),
        ("pid", "Process id", lambda row: row.pid),
        ("memory_bytes", "Proportional share of memory (Pss)", lambda row: procfs.memory_bytes(row.pid)),
    )
    for name, text, measure in gauges:
        yield _per_process(GaugeMetricFamily, name, text, {n: measure(row) for n, row in serving.items()})
    cpu_seconds = {n: procfs.cpu_seconds(row.pid) for n, row in serving.items()}
    yield _per_process(CounterMetricFamily, "cpu_seconds", "CPU time used", cpu_seconds)


def _per_process(
    kind: type[CounterMetricFamily] | type[GaugeMetricFamily], name: str, text: str, values: Mapping[int, float]
) -> Metric:
    family = kind(f"holdfast_server_process_{name}", text, labels=["process"])
    for number, value in values.items():
        family.add_metric([str(number)], value)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"holdfast_server_{name}", text, value=value)


def _labelled(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"holdfast_server_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def exposition(collector: Collector, pid: int | None = None) -> Callable[[], bytes]:
    """Return a function that renders `collector`, and the process metrics of `pid` (None: the caller), as text."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry, pid=(lambda: pid or "self"))
    return lambda: generate_latest(registry)
