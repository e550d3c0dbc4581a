"""The master's /metrics: `holdfast_load_*`, read from the run controller at each scrape, in a registry of its own."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from rawsocket.master import figures
from rawsocket.master.controller import RunController
from rawsocket.master.worker_lag import cpu_s, lag_p99_ms
from rawsocket.measurement.histogram import quantiles
from rawsocket.measurement.latencies import Histograms
from rawsocket.verdict.observed import KINDS

PREFIX = "holdfast_load_"
QUANTILES = (0.5, 0.95, 0.99, 0.999, 1.0)


class RunCollector(Collector):
    """Collects the current run's figures; counters start at zero with each run."""

    def __init__(self, controller: RunController) -> None:
        self._controller = controller

    def collect(self) -> Iterator[Metric]:
        """Yield all families."""
        controller, totals = self._controller, self._controller.run.totals()
        connections, messages = totals.connections, totals.messages.to_wire()
        yield _gauge("held", "connections held now, summed over live workers", controller.held())
        yield _gauge("users", "users running now", controller.runner.user_count)
        yield _gauge("workers", "live workers", len(controller.live()))
        yield _gauge("running", "1 while a run is on", int(controller.run.running))
        if controller.probe.held is not None:
            yield _gauge("server_held", "connections by the server's own count", controller.probe.held)
        yield _counter("connects", "attempts to connect that succeeded", connections.connected)
        yield _counter("connects_attempted", "attempts to connect that have ended", connections.attempted)
        yield _labelled("connects_failed", "attempts to connect that failed", "reason", connections.failed)
        yield _labelled("drops", "connections lost", "reason", connections.dropped)
        yield _gauge("silent_connections", "connections on which no byte has arrived", silent(controller))
        yield _counter("reconnects", "connects after a connection was lost", connections.reconnects)
        outcomes = {outcome: count for outcome, count in messages.items() if not isinstance(count, dict)}
        yield _labelled("messages", "messages by what became of them", "outcome", outcomes)
        yield _labelled("messages_unsent", "messages due and never sent", "reason", totals.messages.unsent)
        yield _labelled("bytes", "payload bytes", "direction", totals.bytes.to_wire())
        yield _counter("failures", "failed events of all kinds", totals.failures)
        yield _labelled("events", "what happened in the run", "kind", _events(controller))
        yield _latency(controller.run.latencies.by_kind())
        yield from _workers(controller)


def silent(controller: RunController) -> int:
    """Return the connections of this run on which no byte has arrived so far: those that ended, and those open."""
    latest = (controller.workers.worker(worker).latest for worker in controller.live())
    return controller.run.totals().connections.unproven + sum(report.silent for report in latest if report)


def _events(controller: RunController) -> dict[str, int]:
    """Return how often each kind of event happened in this run; all kinds, so that the first one is an increase."""
    happened = Counter(event["kind"] for event in figures.events(controller.run))
    return {kind: happened[kind] for kind in KINDS}


def render(controller: RunController) -> bytes:
    """Return the text of one scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(RunCollector(controller))
    return generate_latest(registry)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, text, value=value)


def _latency(times: Histograms) -> Metric:
    """Return a summary with the quantiles of the run so far; values are exact to three significant digits."""
    name = PREFIX + "latency_seconds"
    family = Metric(name, "times in this run so far, by what was timed", "summary")
    for kind, counts in times.items():
        for q, value in zip(QUANTILES, quantiles(counts, QUANTILES), strict=True):
            if value is not None:
                family.add_sample(name, {"kind": kind, "quantile": f"{q:g}"}, value / 1000)
        family.add_sample(f"{name}_count", {"kind": kind}, sum(counts.values()))
        family.add_sample(f"{name}_sum", {"kind": kind}, sum(us * n for us, n in counts.items()) / 1e6)
    return family


def _workers(controller: RunController) -> Iterator[Metric]:
    """Return the signs of each live worker that it is itself the bottleneck; unknown figures are left out."""
    lag = _per_worker("worker_lag_seconds", "lag of the worker's hub: p99 of the last second")
    worst = _per_worker("worker_lag_max_seconds", "lag of the worker's hub: the worst of this run")
    cpu = _per_worker("worker_cpu_share", "share of one core that the worker used in the last second")
    for worker in controller.live():
        known, own = controller.workers.worker(worker), controller.run.find(worker)
        ms, share = lag_p99_ms(known.latest), known.rate(cpu_s)
        worst_us = own.worst_lag_us if own else None
        for family, value in (
            (lag, None if ms is None else ms / 1e3),
            (worst, None if worst_us is None else worst_us / 1e6),
            (cpu, share),
        ):
            if value is not None:
                family.add_metric([worker], value)
    yield from (lag, worst, cpu)


def _per_worker(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, labels=["worker"])


def _labelled(name: str, text: str, label: str, counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(PREFIX + name, text, labels=[label])
    for key, count in counts.items():
        family.add_metric([key], count)
    return family
