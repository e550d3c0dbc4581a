from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.server import allocator, table
from bench.server.contenders import ServerSpec, running
from lab.engines.native import processes
from lab.errors import LabError
from tests.support.bench_servers import QUICK, at_work


def _specs() -> Iterator[Any]:
    """Every server of every experiment."""
    for row in table.ROWS.values():
        for experiment in row.experiments:
            for name in experiment.contenders:
                yield pytest.param(experiment.servers[name], id=f"{experiment.name}: {name}")


@pytest.mark.parametrize("spec", list(_specs()))
def test_each_server_starts_with_the_allocator_settings(
    spec: ServerSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environs: list[dict[str, str]] = []

    def start(name: str, command: list[str], environ: dict[str, str], logs: Path, stop_signal: int) -> None:
        environs.append(environ)
        raise LabError("not started")

    monkeypatch.setattr(processes, "start", start)
    monkeypatch.setattr("bench.harness.compiled.program", lambda name: name)
    with pytest.raises(LabError, match="not started"), running(spec, tmp_path):
        pass
    assert environs == [allocator.ENVIRON]


def test_running_server_has_the_allocator_settings(tmp_path: Path) -> None:
    with at_work(tmp_path, name=QUICK) as (server, _):
        environ = Path(f"/proc/{server.process.pid}/environ").read_text().split("\0")
    assert {f"{name}={value}" for name, value in allocator.ENVIRON.items()} <= set(environ)


def test_note_names_each_variable() -> None:
    assert all(f"{name}={value}" in allocator.NOTE for name, value in allocator.ENVIRON.items())
