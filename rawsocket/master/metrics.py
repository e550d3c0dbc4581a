"""The master's /metrics: `holdfast_load_*`, read from the desk at each scrape, in a registry of its own."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from rawsocket.master.desk import Desk

PREFIX = "holdfast_load_"


class DeskCollector(Collector):
    """Gives the current run's figures; counters begin at zero with each run."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def collect(self) -> Iterator[Metric]:
        """Yield all families."""
        desk, totals = self._desk, self._desk.fleet.totals()
        yield _gauge("held", "connections held now, summed over live workers", desk.held())
        yield _gauge("users", "users running now", desk.runner.user_count)
        yield _gauge("workers", "live workers", len(desk.live()))
        yield _gauge("running", "1 while a run is on", int(desk.running))
        if desk.probe.held is not None:
            yield _gauge("server_held", "connections by the server's own count", desk.probe.held)
        connections = totals["connections"]
        yield _counter("connects", "attempts to connect that succeeded", connections["connected"])
        yield _counter("connects_attempted", "attempts to connect that have ended", connections["attempted"])
        yield _labelled("connects_failed", "attempts to connect that failed", "reason", connections["failed"])
        yield _labelled("drops", "connections lost", "reason", connections["dropped"])
        yield _counter("reconnects", "connects after a connection was lost", connections["reconnects"])
        yield _labelled("messages", "messages by what became of them", "outcome", totals["messages"])
        yield _labelled("bytes", "payload bytes", "direction", totals["bytes"])
        yield _counter("failures", "failed events of all kinds", totals["failures"])


def render(desk: Desk) -> bytes:
    """Give the text of one scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DeskCollector(desk))
    return generate_latest(registry)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, text, value=value)


def _labelled(name: str, text: str, label: str, counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(PREFIX + name, text, labels=[label])
    for key, count in counts.items():
        family.add_metric([key], count)
    return family
