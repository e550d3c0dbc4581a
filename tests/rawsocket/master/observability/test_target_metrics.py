import io

import pytest

from rawsocket.master.observability import target_metrics
from rawsocket.master.observability.target_metrics import TargetMetrics
from tests.support.reports import Clock

ADDRESS = "http://app:9100/metrics"


class Endpoint:
    """An endpoint whose answer the test sets; an exception is raised."""

    def __init__(self) -> None:
        self.answer: str | Exception = "threads 1\n"
        self.asked: list[str] = []

    def get(self, url: str) -> str:
        self.asked.append(url)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Bench:
    """Metrics of a target on a clock of the test."""

    def __init__(self, address: str = ADDRESS) -> None:
        self.clock, self.endpoint = Clock(), Endpoint()
        self.metrics = TargetMetrics(address, self.endpoint.get, self.clock)

    def second(self, answer: str | Exception) -> dict[str, float]:
        self.clock.now += 1.0
        self.endpoint.answer = answer
        self.metrics.poll()
        return self.metrics.values()


def test_named_series_are_shown_from_the_first_answer() -> None:
    bench = Bench(f"{ADDRESS}#threads,jobs_total")
    assert bench.second("threads 4\njobs_total 10\nother 1\n") == {"threads": 4.0}
    assert bench.second("threads 5\njobs_total 13\nother 2\n") == {"threads": 5.0, "rate(jobs_total)": 3.0}
    assert bench.endpoint.asked == [ADDRESS, ADDRESS]


def test_without_names_series_that_change_in_the_run_are_chosen_and_kept() -> None:
    bench = Bench()
    for second in range(9):
        bench.second(f"before_run {second}\njobs 1\n")
    assert "before_run" in bench.metrics.values()
    bench.metrics.begin_run()
    shown = [bench.second(f"before_run 8\njobs {second}\n") for second in range(6)]
    assert shown == [{}] * 5 + [{"jobs": 5.0}]
    assert bench.second("before_run 9\njobs 5\n") == {"jobs": 5.0, "before_run": 9.0}


def test_at_most_eight_series_are_chosen() -> None:
    bench = Bench()
    for second in range(8):
        bench.second("".join(f"series_{n} {second + n}\n" for n in range(20)))
    assert list(bench.metrics.values()) == [f"series_{n}" for n in range(8)]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (ConnectionRefusedError("refused"), "refused"),
        ("<html>", "its answer has no metrics"),
    ],
)
def test_endpoint_that_fails_is_one_line_and_no_values(
    answer: str | Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(f"{ADDRESS}#threads")
    bench.second("threads 1\n")
    for _ in range(3):
        values = bench.second(answer)
    assert values == {}
    assert said in bench.metrics.error
    assert [said in line for line in caplog.messages] == [True]
    assert bench.second("threads 2\n") == {"threads": 2.0}
    assert (bench.metrics.error, len(caplog.messages)) == ("", 2)


def test_series_that_the_endpoint_lacks_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(f"{ADDRESS}#threads,typo")
    for _ in range(12):
        bench.second("threads 1\n")
    assert caplog.messages == [f"TARGET_METRICS: {ADDRESS} has no series typo"]


def test_unset_address_asks_nobody() -> None:
    metrics = TargetMetrics("")
    metrics.run()
    assert (metrics.present, metrics.values()) == (False, {})


def test_answer_is_read_up_to_a_bound_and_to_the_end_of_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float]] = []

    def urlopen(url: str, timeout: float) -> io.BytesIO:
        asked.append((url, timeout))
        return io.BytesIO(b"threads 7\nx 1\nunfinished 12345\n")

    monkeypatch.setattr(target_metrics.urllib.request, "urlopen", urlopen)
    monkeypatch.setattr(target_metrics, "LARGEST", 27)
    metrics = TargetMetrics(f"{ADDRESS}#threads,unfinished")
    metrics.poll()
    assert (metrics.error, metrics.values()) == ("", {"threads": 7.0})
    assert asked == [(ADDRESS, target_metrics.TIMEOUT_S)]
