import json
from collections.abc import Iterator
from typing import Any

import pytest

from rawsocket.master.observability.otlp_exporter import OtlpExporter
from tests.support.controllers import ControllerBench, controller_bench


class Collector:
    """Keeps what it is sent; an error that the test sets is raised."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.error: Exception | None = None
        self.asked = 0

    def post(self, url: str, body: bytes) -> None:
        self.asked += 1
        if self.error:
            raise self.error
        self.requests.append((url, json.loads(body)))

    def values(self) -> dict[str, str]:
        """The gauges of the last request."""
        metrics = self.requests[-1][1]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
        return {one["name"]: one["gauge"]["dataPoints"][0]["asInt"] for one in metrics if "gauge" in one}


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[ControllerBench]:
    with controller_bench(monkeypatch) as made:
        made.add_worker("a")
        yield made


@pytest.fixture
def collector() -> Collector:
    return Collector()


@pytest.fixture
def exporter(bench: ControllerBench, collector: Collector) -> OtlpExporter:
    return OtlpExporter(bench.controller, "http://collector:4318", collector.post, lambda: 1_700_000_000.0)


def test_figures_of_a_run_go_to_the_collector(
    bench: ControllerBench, collector: Collector, exporter: OtlpExporter
) -> None:
    exporter.send()
    assert collector.asked == 0  # no run yet
    bench.start()
    bench.second(held=5)
    exporter.send()
    assert collector.requests[0][0] == "http://collector:4318/v1/metrics"
    assert collector.values() == {"holdfast.held": "5", "holdfast.users": "5"}
    latency = collector.requests[0][1]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][-1]
    counts = {
        point["attributes"][0]["value"]["stringValue"]: point["count"]
        for point in latency["exponentialHistogram"]["dataPoints"]
    }
    assert counts["from_due"] == str(sum(bench.controller.run.latencies.by_kind()["from_due"].values()))


def test_end_of_a_run_is_sent_once(bench: ControllerBench, collector: Collector, exporter: OtlpExporter) -> None:
    bench.start()
    exporter.send()
    bench.controller.run.finished.set()
    exporter.send_last()
    exporter.send()
    assert collector.asked == 2
    bench.start()
    exporter.send()
    assert collector.asked == 3


def test_collector_that_is_away_is_one_line_and_is_not_waited_for_at_the_end(
    bench: ControllerBench, collector: Collector, exporter: OtlpExporter, caplog: pytest.LogCaptureFixture
) -> None:
    bench.start()
    collector.error = ConnectionRefusedError("refused")
    for _ in range(3):
        exporter.send()
    assert caplog.messages == ["no figures go to http://collector:4318/v1/metrics: refused"]
    bench.controller.run.finished.set()
    exporter.send_last()
    assert collector.asked == 3
    collector.error = None
    exporter.send()
    assert caplog.messages[1:] == ["the collector takes the figures again"]


def test_without_a_collector_nothing_is_sent(bench: ControllerBench, collector: Collector) -> None:
    exporter = OtlpExporter(bench.controller, "", collector.post)
    bench.start()
    exporter.run()
    exporter.send_last()
    assert (exporter.present, collector.asked) == (False, 0)
