import pytest
from prometheus_client.parser import text_string_to_metric_families

from rawsocket.master.page import metrics
from tests.support.desks import desk_bench
from tests.support.reports import report


def test_figures_of_the_run_under_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with desk_bench(monkeypatch) as bench:
        bench.add_worker("a", users=7)
        bench.start()
        rows = {"message": {300: 9}, "connect": {80: 6}}
        bench.desk.take(
            "a", report(held=6, answered=9, wrong=1, failures={"closed": 2}, rows=rows, due={"message": {1900: 9}})
        )
        text = metrics.render(bench.desk).decode()
        server = bench.desk.probe.held
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


def test_what_tells_of_a_saturated_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    with desk_bench(monkeypatch) as bench:
        for worker in ("a", "b", "gone"):
            bench.add_worker(worker)
        bench.start()
        for second, worst in ((1.0, 70_001), (2.0, 3004)):
            health = {"lag": [[800, 95], [3000, 5]], "lag_max_us": worst}
            bench.desk.take("a", report(wall_s=second, cpu_s=second * 0.4, health=health))
            bench.desk.take("gone", report(wall_s=second, cpu_s=second, health=health))
        bench.desk.take("b", report())  # it reported once, and measures nothing
        del bench.runner.clients["gone"]
        families = list(text_string_to_metric_families(metrics.render(bench.desk).decode()))
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
