import pytest
from prometheus_client.parser import text_string_to_metric_families

from rawsocket.master import metrics
from tests.support.desks import desk_bench
from tests.support.reports import report


def test_figures_of_the_run_under_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with desk_bench(monkeypatch) as bench:
        bench.add_worker("a", users=7)
        bench.start()
        bench.desk.take("a", report(held=6, answered=9, wrong=1, failures={"closed": 2}))
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
    assert server is None
    assert ("server_held",) not in found  # unknown is not zero


def _names(text: str) -> set[str]:
    return {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
