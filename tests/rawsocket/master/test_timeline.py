import dataclasses

from rawsocket.master.timeline import COLUMNS, POINTS, FailureTimes, Sample, Timeline

SAMPLE = Sample("2026-01-01T00:00:00Z", 1.0, 10, 10, 10, 0.0, 1.0, 0.0, 0.2, 0.9)


def filled(*held: int, server: int | None = None) -> Timeline:
    timeline = Timeline()
    for second, value in enumerate(held):
        timeline.add(dataclasses.replace(SAMPLE, elapsed_s=float(second), held=value, server_held=server))
    return timeline


def test_timeline_has_the_documented_columns() -> None:
    promised = "time_utc,elapsed_s,users,held,server_held,connects_s,messages_s,failures_s,p50_ms,p99_ms,event"
    assert ",".join(COLUMNS) == promised


def test_long_run_is_thinned_only_for_the_page() -> None:
    timeline = filled(*range(2000))
    thin = timeline.thinned()
    assert len(thin) <= POINTS
    assert thin[-1].held == 1999
    assert len(timeline.rows()) == 2000


def test_columns_for_the_page() -> None:
    columns = filled(3, 4).columns()
    assert list(columns) == list(COLUMNS)
    assert columns["held"] == [3, 4]
    assert columns["server_held"] == [None, None]
    assert Timeline().columns()["held"] == []


def test_failures_by_kind_are_kept_by_the_second_in_which_they_grew() -> None:
    times = FailureTimes()
    times.note(1.02, {"reset": 2})
    times.note(2.01, {"reset": 2, "wrong": 1})
    times.note(2.99, {"reset": 5, "wrong": 2})
    assert times.seconds == {"reset": {1: 2, 2: 3}, "wrong": {2: 2}}


def test_series_of_the_target_are_the_last_columns() -> None:
    timeline = Timeline()
    timeline.add(SAMPLE)
    timeline.add(SAMPLE, {"threads": 4.0})
    timeline.add(SAMPLE, {"queue": 1.0, "threads": 5.0})
    assert timeline.header() == (*COLUMNS, "threads", "queue")
    assert [row[len(COLUMNS) :] for row in timeline.rows()] == [(None, None), (4.0, None), (5.0, 1.0)]
    assert timeline.target_columns() == {"threads": [None, 4.0, 5.0], "queue": [None, None, 1.0]}


def test_cpu_and_memory_of_a_server_are_columns_apart_from_its_own_series() -> None:
    timeline = Timeline()
    timeline.add(SAMPLE, {"threads": 4.0, "server_cpu_share": 0.5, "server_memory_bytes": 9})
    assert timeline.header() == (*COLUMNS, "threads", "server_cpu_share", "server_memory_bytes")
    assert timeline.target_columns() == {"threads": [4.0]}
    assert timeline.usage_columns() == {"server_cpu_share": [0.5], "server_memory_bytes": [9]}


def test_series_of_the_target_are_thinned_as_the_samples_are() -> None:
    timeline = Timeline()
    for second in range(1501):
        timeline.add(dataclasses.replace(SAMPLE, elapsed_s=float(second)), {"threads": float(second)})
    assert timeline.target_columns()["threads"] == timeline.columns()["elapsed_s"]
