import gc
import os
import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from rawsocket.measurement import histogram
from rawsocket.measurement.latencies import KINDS, Histograms
from rawsocket.measurement.latency_log import LatencyLog
from rawsocket.measurement.stats_rows import truncate
from tests.support.hlogs import intervals, read

EPOCH = 1_800_000_000.25
NOTHING: Histograms = {kind: {} for kind in KINDS}


def second(seed: int, messages: int = 200) -> Histograms:
    """Times of one second."""
    times: Histograms = {kind: {} for kind in KINDS}
    for kind in KINDS:
        rng = random.Random(f"{kind} {seed}")
        histogram.add(times[kind], ([truncate(int(rng.lognormvariate(6, 1.5))), 1] for _ in range(messages)))
    return times


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LatencyLog]:
    log = LatencyLog(str(tmp_path / "runs"), clock=lambda: EPOCH)
    yield log
    log.discard()


def test_log_reads_back_with_the_same_counts_and_percentiles(log: LatencyLog, tmp_path: Path) -> None:
    seconds = [second(seed) for seed in range(5)]
    for at, times in enumerate(seconds[:-1], 1):
        log.add(float(at), times)
    log.finish(4.3, seconds[-1])
    found = read(tmp_path / "runs/latency.hlog")
    assert set(found) == {"from-due", "from-sent", "first-byte", "connect"}
    for tag, whole in found.items():
        wanted = histogram.library(histogram.merged(times[tag.replace("-", "_")] for times in seconds))
        assert whole.equals(wanted)
        for percentile in (50, 95, 99, 99.9, 100):
            assert whole.get_value_at_percentile(percentile) == wanted.get_value_at_percentile(percentile)


def test_rows_apart_have_tags_of_their_own(log: LatencyLog, tmp_path: Path) -> None:
    log.add(1.0, NOTHING, {"log in, twice": {2000: 3}, "never": {}})
    log.finish(2.0, NOTHING, {"log in, twice": {2000: 1}})
    found = read(tmp_path / "runs/latency.hlog")
    assert set(found) == {"from-due", "from-sent", "first-byte", "connect", "row-log_in__twice"}
    assert found["row-log_in__twice"].get_total_count() == 4


def test_log_has_one_line_per_second_and_tag_with_times_since_the_start(log: LatencyLog, tmp_path: Path) -> None:
    log.add(1.0, second(1))
    log.add(2.5, NOTHING)
    log.finish(2.5, NOTHING)
    lines = intervals(tmp_path / "runs/latency.hlog")
    assert [line.get_tag() for line in lines[:4]] == ["from-due", "from-sent", "first-byte", "connect"]
    assert len(lines) == 3 * 4
    assert (lines[4].get_start_time_stamp(), lines[4].get_end_time_stamp()) == (
        (EPOCH + 1.0) * 1000,
        (EPOCH + 2.5) * 1000,
    )
    assert lines[4].get_total_count() == 0


def test_log_has_the_header_of_the_format_and_maxima_in_microseconds(log: LatencyLog, tmp_path: Path) -> None:
    log.finish(1.0, {**NOTHING, "from_due": {37: 1, 412: 1}})
    header = (tmp_path / "runs/latency.hlog").read_text().splitlines()
    assert header[1] == "#[Histogram log format version 1.2]"
    assert header[2] == "#[StartTime: 1800000000.250000 (seconds since epoch), 2027-01-15 08:00:00+00:00]"
    assert header[3] == "#[BaseTime: 1800000000.250000 (seconds since epoch)]"
    assert header[4].startswith('"StartTimestamp"')
    assert header[5].startswith("Tag=from-due,0.000000,1.000000,412.000000,HISTFAAA")


def test_finished_log_gets_its_name_and_mode(log: LatencyLog, tmp_path: Path) -> None:
    log.add(1.0, second(1))
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [f".latency.hlog.{os.getpid()}.part"]
    log.finish(2.0, NOTHING)
    (path,) = (tmp_path / "runs").iterdir()
    assert (path.name, path.stat().st_mode & 0o777) == ("latency.hlog", 0o644)
    written = path.read_bytes()
    log.add(3.0, second(3))
    log.finish(4.0, second(4))  # the run is over: nothing is added, nothing fails
    assert path.read_bytes() == written


def test_no_line_starts_before_the_run(tmp_path: Path) -> None:
    for fraction in (0.0, 0.0004, 0.0005, 0.174152, 0.1746, 0.999999):
        log = LatencyLog(str(tmp_path), clock=lambda fraction=fraction: 1_800_000_000 + fraction)  # type: ignore[misc]
        log.add(1.0, second(1))
        log.finish(1.0, NOTHING)
        assert read(tmp_path / "latency.hlog")["connect"].get_total_count() == 200


def test_discarded_log_leaves_no_file_and_the_next_run_has_its_own(log: LatencyLog, tmp_path: Path) -> None:
    log.add(9.0, second(1))
    log.discard()
    assert list((tmp_path / "runs").iterdir()) == []
    log = LatencyLog(str(tmp_path / "runs"), clock=lambda: EPOCH)
    log.finish(1.0, second(2))
    (path,) = (tmp_path / "runs").iterdir()
    assert read(path)["from-due"].get_total_count() == 200
    assert intervals(path)[0].get_start_time_stamp() == EPOCH * 1000


def test_log_without_a_run_is_empty(tmp_path: Path) -> None:
    LatencyLog(str(tmp_path)).finish(0.0, NOTHING)
    assert {line.get_total_count() for line in intervals(tmp_path / "latency.hlog")} == {0}


def test_log_without_a_folder_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log = LatencyLog("")
    log.add(1.0, second(1))
    log.finish(2.0, NOTHING)
    assert list(tmp_path.iterdir()) == []


def test_write_error_is_logged_once_and_ends_only_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("no folder")
    log = LatencyLog(str(tmp_path / "file"))
    for at in (1.0, 2.0):
        log.add(at, second(1))
    with pytest.raises(FileExistsError):
        log.finish(3.0, NOTHING)
    (record,) = caplog.records
    assert record.message == "could not write latency.hlog: File exists; this run has none"
    assert record.exc_info is None


def test_full_disk_ends_the_log_and_removes_the_file(
    log: LatencyLog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log.add(0.5, second(0))
    assert log._file
    log._file.close()
    log._file = open("/dev/full", "w", buffering=1, encoding="utf-8")  # noqa: SIM115
    log.add(1.0, second(1))
    with pytest.raises(OSError, match="No space left"):
        log.finish(2.0, NOTHING)
    assert len(caplog.records) == 1
    assert list((tmp_path / "runs").iterdir()) == []


def test_memory_does_not_grow_with_the_run(log: LatencyLog) -> None:
    """Not even without garbage collection, as in a process with thousands of users."""
    times = second(1)
    for at in range(20):
        log.add(float(at), times)
    gc.disable()
    tracemalloc.start()
    try:
        for at in range(20, 120):
            log.add(float(at), times)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert grown < 64_000  # 400 lines of about half a KB each would be 200,000
