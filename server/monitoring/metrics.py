"""The counters' figures in the Prometheus text format.

Strategy: the admin thread copies the board when it is asked and reckons everything from that copy. Rules:

- A gauge that is a difference (connections = accepted - closed) is computed from the very values that are shown beside
  it, so the three always agree, whenever the scrape happens.
- Names without a label `process` are of the whole server: what its processes have counted, added up, those that are
  gone included. With processes below it, each has the same figures once more, as `holdfast_server_process_*`.
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

#: Counters that are shown alike for the whole server and for each process: name, help, which.
_COUNTED: tuple[tuple[str, str, Callable[[Counters], int]], ...] = (
    ("accepted", "Connections admitted", lambda counters: counters.accepted),
    ("refused", "Newcomers turned away with a line", lambda counters: counters.refused),
    ("messages", "Whole messages received", lambda counters: counters.messages),
    ("replies", "Replies produced", lambda counters: counters.replies),
    ("unfinished", "Messages that the client's end of input cut off", lambda counters: counters.unfinished),
    ("accept_errors", "Failed accepts", lambda counters: counters.accept_errors),
    ("loop_turns", "Turns of the loop", lambda counters: counters.turns),
    ("log_dropped", "Log lines dropped because the writer was behind", lambda counters: counters.log_dropped),
)


class ServerCollector(Collector):
    """The board as metric families.

    `cap` is how many connections are allowed, `waiting` tells how many the kernel holds ready that were not accepted
    yet (None where it doesn't say), to whom those are added who are on their way to a process; `processes` is how many
    of these there should be (0: the one that began serves alone), `about` are labels of what the counters mean: model,
    framing, app.
    """

    def __init__(
        self,
        board: Board,
        cap: int,
        waiting: Callable[[], int | None],
        about: Mapping[str, str],
        processes: int = 0,
    ) -> None:
        self._board = board
        self._cap = cap
        self._waiting = waiting
        self._about = about
        self._processes = processes

    def collect(self) -> Iterator[Metric]:
        """Yield every family, computed from one copy of the board."""
        rows = self._board.copy()
        total = Counters()
        for row in rows:
            total.add(row)
        yield InfoMetricFamily("holdfast_server", "What the counters are of", value=dict(self._about))
        if (waiting := self._waiting()) is not None:
            arriving = self._board.arriving + sum(max(0, row.given - row.accepted) for row in rows[1:])
            yield _gauge("backlog", "Connections that are ready, and that nobody serves yet", waiting + arriving)
        now = monotonic()
        yield _gauge("connections", "Connections held now", total.held)
        yield _gauge("max_connections", "Connections allowed at once", self._cap)
        lag = max(row.lag.seconds(now) for row in rows)
        yield _gauge("loop_lag_seconds", "Longest turn away from waiting, last second or two", lag)
        yield _labelled("closed", "Connections ended, by reason", "reason", total.closed)
        transferred = {"in": total.bytes_in, "out": total.bytes_out}
        yield _labelled("bytes", "Payload bytes, of admitted connections", "direction", transferred)
        for name, text, figure in _COUNTED:
            yield CounterMetricFamily(f"holdfast_server_{name}", text, value=figure(total))
        serving = {number: row for number, row in enumerate(rows[1:]) if row.pid}
        yield _gauge("processes", "Processes that serve now", len(serving) if self._processes else 1)
        yield _gauge("processes_wanted", "Processes that should serve", self._processes or 1)
        yield CounterMetricFamily("holdfast_server_respawns", "Processes begun anew", value=self._board.respawns)
        if self._processes:
            yield from _of_each(serving, now)


def _of_each(serving: Mapping[int, Counters], now: float) -> Iterator[Metric]:
    """The figures of each process, with its number as label."""
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
        ("connections", "Connections held now", lambda row: row.held),
        ("loop_lag_seconds", "Longest turn away from waiting, last second or two", lambda row: row.lag.seconds(now)),
        ("pid", "Its process id", lambda row: row.pid),
        ("memory_bytes", "Its proportional share of memory (Pss)", lambda row: procfs.memory_bytes(row.pid)),
    )
    for name, text, measure in gauges:
        yield _per_process(GaugeMetricFamily, name, text, {n: measure(row) for n, row in serving.items()})
    used = {n: procfs.cpu_seconds(row.pid) for n, row in serving.items()}
    yield _per_process(CounterMetricFamily, "cpu_seconds", "CPU time that it has used", used)


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
    """Return what renders `collector` and the figures of process `pid` (None: its own) as Prometheus text."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry, pid=(lambda: pid or "self"))
    return lambda: generate_latest(registry)
