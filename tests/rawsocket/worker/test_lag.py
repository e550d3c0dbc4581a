import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from rawsocket.worker import lag as lag_module
from rawsocket.worker.lag import TICK_S, LagMeter
from tests.support.reports import Clock


class FakeLoop:
    """A loop with one timer that the test runs."""

    def __init__(self) -> None:
        self.iteration = lag_module.ITERATIONS - 5
        self.armed: list[float] = []
        self.run: Callable[[], None] | None = None

    def timer(self, after: float, repeat: float, ref: bool) -> Any:
        assert (repeat, ref) == (TICK_S, False)  # a process must be able to end while it is measured
        self.armed.append(after)
        return SimpleNamespace(start=self._start, stop=lambda: setattr(self, "run", None), close=lambda: None)

    def _start(self, callback: Callable[[], None], update: bool) -> None:
        self.run = callback


class MeterBench:
    """A meter on clocks that the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.clock, self.cpu = Clock(), Clock()
        monkeypatch.setattr(lag_module, "time", SimpleNamespace(monotonic=self.clock, process_time=self.cpu))
        self.loop = FakeLoop()
        self.proc, self.cgroup = folder / "proc", folder / "cgroup"
        self.meter = LagMeter(SimpleNamespace(loop=self.loop), self.proc, self.cgroup)
        self.meter.start()

    def tick(self, after_ms: float, cpu_ms: float = 0.0) -> None:
        self.clock.now += after_ms / 1000
        self.cpu.now += cpu_ms / 1000
        assert self.loop.run
        self.loop.run()

    def lags_ms(self) -> list[float]:
        pairs = self.meter.report().lags
        return sorted(us / 1000 for us, ticks in pairs for _ in range(ticks))

    def write(self, path: str, text: str) -> None:
        file = self.proc.parent / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MeterBench:
    return MeterBench(monkeypatch, tmp_path)


def test_each_tick_counts_with_its_lag(bench: MeterBench) -> None:
    for _ in range(3):
        bench.tick(10)
    bench.tick(13.5)
    bench.tick(6.75)
    assert bench.lags_ms() == pytest.approx([0, 0, 0, 0.25, 3.5], abs=0.002)
    assert bench.loop.armed == [TICK_S]


def test_a_missed_tick_counts_with_its_own_lag(bench: MeterBench) -> None:
    bench.tick(10)
    bench.lags_ms()
    bench.tick(95)
    assert bench.lags_ms() == pytest.approx([5, 15, 25, 35, 45, 55, 65, 75, 85], rel=0.001)
    assert bench.loop.armed == pytest.approx([TICK_S, 0.005])  # back on the grid
    bench.tick(5)
    assert bench.lags_ms() == pytest.approx([0], abs=0.002)


def test_report_has_only_the_lags_since_the_last_report(bench: MeterBench) -> None:
    bench.tick(32.345)
    assert bench.meter.report().worst_us in (22_344, 22_345)
    bench.tick(7.655)
    report = bench.meter.report()
    assert report.worst_us <= 1
    assert sum(ticks for _, ticks in report.lags) == 1


def test_report_counts_missed_ticks_before_their_timer_runs(bench: MeterBench) -> None:
    bench.tick(10)
    bench.lags_ms()
    bench.clock.now += 0.035  # the process comes round, and reports before its timer runs
    assert bench.lags_ms() == pytest.approx([5, 15, 25], rel=0.001)
    bench.clock.now += 0.009  # due and not late: its turn will come
    assert bench.lags_ms() == []
    bench.tick(0)
    assert bench.lags_ms() == pytest.approx([4], rel=0.001)


def test_report_has_late_time_and_the_cpu_time_in_it(bench: MeterBench) -> None:
    bench.tick(10, cpu_ms=9)
    bench.tick(60, cpu_ms=45)
    report = bench.meter.report()
    assert (report.late_s, report.late_cpu_s) == pytest.approx((0.06, 0.045))
    bench.tick(10)
    bench.tick(110)
    report = bench.meter.report()
    assert (report.late_s, report.late_cpu_s) == pytest.approx((0.17, 0.045))  # absolute


def test_turns_are_counted_across_a_wrap_of_the_loops_counter(bench: MeterBench) -> None:
    bench.loop.iteration = 3
    assert bench.meter.report().turns == 8
    bench.loop.iteration = 13
    assert bench.meter.report().turns == 18


def test_stopped_meter_reports_its_lags_and_measures_no_more(bench: MeterBench) -> None:
    bench.tick(10)
    bench.meter.stop()
    assert bench.loop.run is None
    bench.clock.now += 5
    assert len(bench.lags_ms()) == 1
    bench.meter.start()
    bench.tick(10)
    assert bench.lags_ms() == pytest.approx([0], abs=0.002)


def test_stolen_time_is_the_sum_of_all_cpus(bench: MeterBench) -> None:
    assert bench.meter.report().steal_s is None
    bench.write("proc/stat", "cpu  2160 0 1319 191703 174 0 30 850 0 0\ncpu0 397 0 379 96926 4 0 13 800 0 0\n")
    report = bench.meter.report()
    assert report.steal_s == 850 / lag_module.CLOCK_HZ
    assert report.cpus >= 1
    bench.write("proc/stat", "cpu  2160 0 1319 191703\n")  # older than stolen time
    assert bench.meter.report().steal_s is None


V1 = "nr_periods 17\nnr_throttled 15\nthrottled_time 1302190098\n"
V2 = "usage_usec 7\nnr_periods 17\nnr_throttled 15\nthrottled_usec 2500000\n"


@pytest.mark.parametrize(
    ("files", "seconds", "limit"),
    [
        ({"proc/self/cgroup": "0::/\n", "cgroup/cpu.max": "5000 100000\n", "cgroup/cpu.stat": V2}, 2.5, 0.05),
        ({"proc/self/cgroup": "0::/\n", "cgroup/cpu.max": "max 100000\n", "cgroup/cpu.stat": V2}, None, None),
        ({"proc/self/cgroup": "0::/\n", "cgroup/cpu.stat": "usage_usec 7\n"}, None, None),  # the root of version 2
        (
            {
                "proc/self/cgroup": "1:cpu,cpuacct:/docker/1\n0::/docker/1\n",  # in a container: the mount is the group
                "cgroup/cpu,cpuacct/cpu.cfs_quota_us": "150000\n",
                "cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
                "cgroup/cpu,cpuacct/cpu.stat": V1,
            },
            1.302190098,
            1.5,
        ),
        (
            {
                "proc/self/cgroup": "1:cpu:/\n",
                "cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "cgroup/cpu/cpu.cfs_period_us": "100000\n",
                "cgroup/cpu/cpu.stat": V1,
            },
            None,
            None,
        ),
        (
            {
                "proc/self/cgroup": "0::/pod/box\n",  # a limit on the box and one on the pod around it
                "cgroup/pod/box/cpu.max": "50000 100000\n",
                "cgroup/pod/box/cpu.stat": V2,
                "cgroup/pod/cpu.max": "20000 100000\n",
                "cgroup/pod/cpu.stat": V2,
                "cgroup/cpu.stat": "usage_usec 7\n",
            },
            5.0,
            0.2,
        ),
    ],
)
def test_throttled_time_and_cpu_limit_of_each_cgroup_layout(
    bench: MeterBench, files: dict[str, str], seconds: float | None, limit: float | None
) -> None:
    for path, text in files.items():
        bench.write(path, text)
    report = bench.meter.report()
    assert (report.throttled_s, report.cpu_limit) == (seconds, limit)


def test_stolen_and_throttled_time_of_this_machine() -> None:
    stolen, (seconds, limit) = lag_module.stolen(), lag_module.throttling()
    assert stolen is not None
    assert stolen >= 0
    assert (seconds is None) is (limit is None)


@pytest.fixture
def meter() -> Iterator[LagMeter]:
    meter = LagMeter()
    meter.start()
    yield meter
    meter.stop()


def _block(seconds: float) -> None:
    """Block the hub with work."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_lag_of_a_real_blocked_hub(meter: LagMeter) -> None:
    earliest = time.monotonic()
    meter.start()
    began = time.monotonic()
    gevent.sleep(0.05)
    before = meter.report()
    _block(0.1)
    gevent.sleep(0.03)
    asked = time.monotonic()
    after = meter.report()
    reported = time.monotonic()
    # On any machine: the first missed tick was due at most one tick after the block began ...
    assert after.worst_us >= 89_000
    # ... and there is a tick for each 10 ms of the time that passed, blocked or not.
    ticks = sum(count for report in (before, after) for _, count in report.lags)
    assert (asked - began) / TICK_S - 2 <= ticks <= (reported - earliest) / TICK_S + 1
    assert sum(count for us, count in after.lags if us >= 10_000) >= 8
    assert after.late_s - before.late_s >= 0.089
    assert after.turns > before.turns
