import pytest
from prometheus_client.parser import text_string_to_metric_families

from rawsocket.master.page import prometheus
from tests.support.controllers import controller_bench
from tests.support.reports import report


def test_metrics_have_the_figures_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        bench.add_worker("a", users=7)
        bench.start()
        rows = {"message": {300: 9}, "connect": {80: 6}}
        bench.controller.receive(
            "a", report(held=6, answered=9, wrong=1, failures={"closed": 2}, rows=rows, due={"message": {1900: 9}})
        )
        text = prometheus.render(bench.controller).decode()
        server = bench.controller.probe.held
    found = {
        (sample.name.removeprefix("holdfast_load_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert all(name.startswith("holdfast_load_") for name in _names(text))
    assert (found["held",], found["users",], found["workers",], found["running",]) == (6, 7, 1, 1)
    assert (found["connects_total",], found["failures_total",]) == (6, 2)
    assert (found["messages_total", "answered"], found["messages_total", "wrong"]) == (9, 1)
    assert found["drops_total", "closed"] == 2
    assert found["latency_seconds", "from_due", "0.99"] == 0.0019
    assert found["latency_seconds", "from_sent", "0.5"] == 0.0003
    assert found["latency_seconds", "connect", "1"] == 0.00008
    assert (found["latency_seconds_count", "from_due"], found["latency_seconds_sum", "from_due"]) == (9, 0.0171)
    assert server is None
    assert ("server_held",) not in found  # unknown is not zero


def test_events_are_counted_by_kind_from_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        bench.add_worker("a")
        before = prometheus.render(bench.controller).decode()
        bench.start()  # its ramp is over at once
        after = prometheus.render(bench.controller).decode()
    assert 'holdfast_load_events_total{kind="ramp-complete"} 0.0' in before
    assert 'holdfast_load_events_total{kind="ramp-complete"} 1.0' in after
    assert 'holdfast_load_events_total{kind="worker-lost"} 0.0' in after


def test_metrics_of_a_saturated_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        for worker in ("a", "b", "gone"):
            bench.add_worker(worker)
        bench.start()
        for second, worst in ((1.0, 70_001), (2.0, 3004)):
            lag = {"lags": [[800, 95], [3000, 5]], "worst_us": worst}
            bench.controller.receive("a", report(wall_s=second, cpu_s=second * 0.4, lag=lag))
            bench.controller.receive("gone", report(wall_s=second, cpu_s=second, lag=lag))
        bench.controller.receive("b", report())  # it reported once, and measures nothing
        del bench.runner.clients["gone"]
        families = list(text_string_to_metric_families(prometheus.render(bench.controller).decode()))
    found = {
        (sample.name.removeprefix("holdfast_load_worker_"), sample.labels["worker"]): sample.value
        for family in families
        for sample in family.samples
        if "worker" in sample.labels
    }
    assert found == {
        ("lag_seconds", "a"): pytest.approx(0.003, rel=0.001),
        ("lag_max_seconds", "a"): 0.070001,
        ("lag_max_seconds", "b"): 0.0,
        ("cpu_share", "a"): pytest.approx(0.4),
    }


def _names(text: str) -> set[str]:
    return {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
