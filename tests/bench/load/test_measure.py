import dataclasses
import os
from pathlib import Path

import pytest

from bench.load import echo_server, measure
from bench.load.contenders import RunningGenerator
from bench.load.echo_server import Echo
from bench.load.measure import Reading, between
from lab.errors import LabError

FIRST = Reading(at=100.0, cpu_s=1.0, messages=1000, closed=2, stolen_s=5.0, busy_s=50.0)
LAST = Reading(at=104.0, cpu_s=3.0, messages=201_000, closed=2, stolen_s=5.04, busy_s=54.0)


def test_figures_of_a_window() -> None:
    window = between(FIRST, LAST)
    assert (window.seconds, window.messages, window.cpu_s) == (4.0, 200_000, 2.0)
    assert window.stolen == pytest.approx(0.01)
    assert window.busy == pytest.approx(1.0)
    values = window.values()
    assert (values["us"], values["per_s"]) == (10.0, 50_000.0)


def test_no_figure_without_messages_or_with_closed_connections() -> None:
    with pytest.raises(LabError, match="no message came"):
        between(FIRST, dataclasses.replace(LAST, messages=1000))
    with pytest.raises(LabError, match="3 connections were closed while it was measured"):
        between(FIRST, dataclasses.replace(LAST, closed=5))


def test_reading_of_a_real_process() -> None:
    with Echo(echo_server.program()) as server:
        found = measure.read(server, os.getpid())
    assert found.messages == found.closed == 0
    assert found.cpu_s > 0


def test_missing_connections_are_reported(tmp_path: Path) -> None:
    run = RunningGenerator("lazy", tmp_path, pid=os.getpid())
    with (
        Echo(echo_server.program()) as server,
        pytest.raises(LabError, match="lazy: 3 connections: not ready within 0 s; 0 were"),
    ):
        measure.all_held(server, run, 3, 0.2)
    assert run.base_kb
