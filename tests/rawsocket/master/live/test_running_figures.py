import pytest

from rawsocket.master.live import running_figures as module
from rawsocket.master.live.running_figures import NOTHING, RunningFigures
from rawsocket.measurement.overdue import Waiting
from tests.support.controllers import controller_bench
from tests.support.reports import once, report


def test_run_that_has_not_begun_has_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        found = RunningFigures(bench.controller.run)
    assert (found.figures(), found.thresholds()) == (NOTHING, [])


@pytest.mark.parametrize("limit", [{}, {"max_p99_ms": 1000.0}])
def test_p99_of_the_figures_is_that_of_the_threshold(monkeypatch: pytest.MonkeyPatch, limit: dict[str, float]) -> None:
    """Both are computed at the same time, and so are the last ones before the verdict."""
    with controller_bench(monkeypatch) as bench:
        bench.add_worker("a")
        bench.start()
        bench.controller.run.thresholds = limit
        found = bench.controller.observer.running_figures
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
        bench.controller.observer.running_figures.figures()
    assert len(asked) < 12


PIPELINED = {"failures": {"closed": 3, "wrong": 1}, "connections": {"dropped": {"closed": 1}}}


def test_kinds_of_failures_add_up_to_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three messages in flight on one connection are three failures; what fails after the stop is none."""
    with controller_bench(monkeypatch) as bench:
        bench.add_worker("a")
        bench.start()
        bench.second(held=10, **PIPELINED)
        found = bench.controller.observer.running_figures
        assert (found.figures()["failures"], found.figures()["failure_kinds"]) == (4, {"closed": 3, "wrong": 1})
        document = bench.stop(failures={"closed": 50, "wrong": 1})
        assert (document["failures"], document["failure_kinds"]) == (4, {"closed": 3, "wrong": 1})
        kinds = {"closed": 3, "wrong": 1, "missing": 0}
        assert (found.figures()["failures"], found.figures()["failure_kinds"]) == (4, kinds)


def test_missing_replies_are_among_the_failures_of_a_run_that_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        bench.add_worker("a")
        bench.start()
        for _ in range(9):
            bench.second(held=10)
        bench.controller.on_test_stopping()
        waiting = [Waiting("message", 8.0, once([8.5, 7.5]))]
        bench.controller.receive("a", report(answered=90, waiting=waiting), at_stop=True)
        bench.controller.receive("a", report(answered=90, waiting=waiting, final=True))
        bench.controller.on_test_stop()
        figures = bench.controller.observer.running_figures.figures()
    assert (figures["failures"], figures["failure_kinds"]) == (2, {"missing": 2})
