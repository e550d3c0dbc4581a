"""A run that has ended, whose artefacts are written."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.controllers import ControllerBench, controller_bench


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ControllerBench]:
    with controller_bench(monkeypatch, runs=str(tmp_path / "runs"), scenario="ho|ld") as bench:
        bench.add_worker("a")
        bench.add_worker("b")
        bench.start()
        for _ in range(6):
            bench.second(held=5)
        bench.stop(failures={"closed": 3})
        yield bench
