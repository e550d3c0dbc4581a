from pathlib import Path
from typing import Any

import pytest

from bench.harness import procfs
from bench.server import measure
from lab.errors import LabError
from tests.support.bench_servers import at_work, needs_gcc

COUNTS = [
    {"now": 10.0, "messages": 100, "cpu_s": 1.0},
    {"now": 12.0, "messages": 400, "cpu_s": 1.003},
]


class FakeClientAndServer:
    """A load client with these counts that is also a server."""

    def __init__(self, *counts: dict[str, Any]) -> None:
        self._counts = iter(counts)
        self.asked: list[list[int]] = []

    def counts(self, pids: list[int]) -> dict[str, Any]:
        self.asked.append(pids)
        return next(self._counts)

    def pids(self) -> list[int]:
        return [7, 8]


def test_cost_of_a_message() -> None:
    fake = FakeClientAndServer(*COUNTS)
    found = measure.cpu(fake, fake, 0.0)
    assert (found["seconds"], found["messages"], found["per_s"]) == (2.0, 300, 150.0)
    assert found["us"] == pytest.approx(10.0)
    assert found["stolen"] >= 0
    assert fake.asked == [[7, 8], [7, 8]]


def test_window_without_messages_has_no_cost_per_message() -> None:
    silent = [COUNTS[0], {**COUNTS[1], "messages": 100}]
    assert measure.window(FakeClientAndServer(*silent), FakeClientAndServer(), 0.0)["cpu_s"] == pytest.approx(0.003)
    with pytest.raises(LabError, match="no message was answered"):
        measure.cpu(FakeClientAndServer(*silent), FakeClientAndServer(), 0.0)


@needs_gcc
def test_memory_of_a_real_server_settles(tmp_path: Path) -> None:
    with at_work(tmp_path, 3) as (server, _):
        assert measure.settled_kb(server) >= measure.shared_kb(server) > 1000


def test_memory_that_never_settles_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "SETTLE_S", 0.3)
    samples = iter(range(1000))
    monkeypatch.setattr(procfs, "rss_kb", lambda pid: next(samples))

    class Growing(FakeClientAndServer):
        died = staticmethod(lambda: "")

        class process:
            text = staticmethod(lambda: "its log")

    with pytest.raises(LabError, match="its memory to settle: not ready"):
        measure.settled_kb(Growing())
