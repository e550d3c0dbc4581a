import pytest

from rawsocket.master.live import so_far as module
from rawsocket.master.live.so_far import NOTHING, SoFar
from tests.support.controllers import controller_bench


def test_run_that_has_not_begun_has_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        found = SoFar(bench.controller.run)
    assert (found.figures(), found.thresholds()) == (NOTHING, [])


@pytest.mark.parametrize("limit", [{}, {"max_p99_ms": 1000.0}])
def test_p99_of_the_figures_is_that_of_the_threshold(monkeypatch: pytest.MonkeyPatch, limit: dict[str, float]) -> None:
    """Both are computed at the same time, and so are the last ones before the verdict."""
    with controller_bench(monkeypatch) as bench:
        bench.add_worker("a")
        bench.start()
        bench.controller.run.thresholds = limit
        found = bench.controller.observer.so_far
        for _ in range(9):
            bench.second(held=10)
            judged = [check["actual"] for check in found.thresholds() if check["name"] == "max_p99_ms"]
            assert judged == [found.figures()["p99_ms"]][: len(limit)]
        assert found.figures()["p99_ms"] == pytest.approx(0.2, rel=0.01)
        document = bench.stop()
        assert found.figures()["p99_ms"] == document["latency_ms"]["from_due"]["p99"]
        assert found.thresholds() == document["thresholds"]


def test_percentiles_are_computed_less_often_than_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = module.figures.p99_so_far
    monkeypatch.setattr(module.figures, "p99_so_far", lambda run, checks: asked.append(run) or real(run, checks))
    with controller_bench(monkeypatch) as bench:
        bench.add_worker("a")
        bench.start()
        for _ in range(22):
            bench.second(held=10)
        bench.controller.observer.so_far.figures()
    assert len(asked) < 12
