import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.harness import procfs
from bench.harness.procfs import TICK_S
from lab.errors import LabError


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "7/task/7").mkdir(parents=True)
    (tmp_path / "7/stat").write_text("7 (a (b) c) S 1 7 7 0 -1 4194304 9 0 0 0 150 25 0 0 20 0 3 0 99 1 2\n")
    (tmp_path / "11").mkdir()
    (tmp_path / "11/stat").write_text("11 (d) R 1 7 7 0 -1 4194304 9 0 0 0 150 25 0 0 20 0 3 0 99 1 2\n")
    (tmp_path / "7/smaps_rollup").write_text("55d0-7ffe ---p 00000000 00:00 0 [rollup]\nRss:    5120 kB\nPss: 100 kB\n")
    (tmp_path / "7/task/7/children").write_text("8 9 10 ")
    for pid, name in ((8, "sh"), (9, "beam.smp")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "comm").write_text(f"{name}\n")
    (tmp_path / "stat").write_text("cpu  10 20 30 1000 7 3 4 50 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
    return tmp_path


def test_figures_of_a_process(proc: Path) -> None:
    assert procfs.cpu_s(7, proc) == pytest.approx(175 * TICK_S)
    assert (procfs.rss_kb(7, proc), procfs.pss_kb(7, proc)) == (5120, 100)
    assert procfs.sleeps(7, proc)
    assert not procfs.sleeps(11, proc)
    assert procfs.child(7, "beam.smp", proc) == 9
    assert procfs.child(7, "perl", proc) == 0
    assert procfs.children(7, proc) == [8, 9, 10]
    assert procfs.children(11, proc) == []


def test_descriptors_of_a_process() -> None:
    with open(os.devnull):
        more = procfs.descriptors(os.getpid())
    assert procfs.descriptors(os.getpid()) == more - 1
    with pytest.raises(LabError, match="can't be counted"):
        procfs.descriptors(2**22 + 1)


def test_figures_of_the_host(proc: Path) -> None:
    assert procfs.stolen_s(proc) == pytest.approx(50 * TICK_S)
    assert procfs.busy_s(proc) == pytest.approx((10 + 20 + 30 + 3 + 4) * TICK_S)


@pytest.mark.parametrize("what", [procfs.cpu_s, procfs.rss_kb])
def test_figures_of_an_ended_process_are_an_error(proc: Path, what: object) -> None:
    with pytest.raises(LabError, match="has the process ended"):
        what(12, proc)
    (proc / "7/smaps_rollup").write_text("")
    with pytest.raises(LabError, match="process 7 has ended"):
        procfs.rss_kb(7, proc)


def test_figures_of_the_current_process() -> None:
    before = procfs.cpu_s(os.getpid())
    sum(range(3_000_000))
    assert procfs.cpu_s(os.getpid()) > before
    assert procfs.rss_kb(os.getpid()) > 1000
    assert procfs.busy_s() > 0
    assert procfs.stolen_s() >= 0


def test_soft_descriptor_limit_is_raised_to_the_hard_one_for_children() -> None:
    code = (
        "import resource as r, subprocess, sys; from bench.harness import procfs;"
        "hard = r.getrlimit(r.RLIMIT_NOFILE)[1];"
        "r.setrlimit(r.RLIMIT_NOFILE, (64, hard)); assert procfs.raise_descriptors() == hard;"
        "sys.exit(subprocess.call(['sh', '-c', f'test $(ulimit -Sn) = {hard}']))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_host_usage_measures_time_steal_and_busy_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    stolen, busy, now = iter([5.0, 5.5]), iter([7.0, 52.0]), iter([100.0, 110.0, 120.0, 130.0])
    monkeypatch.setattr(procfs, "stolen_s", lambda: next(stolen))
    monkeypatch.setattr(procfs, "busy_s", lambda: next(busy))
    monkeypatch.setattr(procfs, "time", SimpleNamespace(monotonic=lambda: next(now)))
    usage = procfs.HostUsage()
    assert usage.seconds == 10.0
    assert usage.stolen == 0.5 / 20
    assert usage.busy == 1.5
