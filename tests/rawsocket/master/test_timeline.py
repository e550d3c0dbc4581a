import dataclasses

from rawsocket.master.timeline import COLUMNS, POINTS, Sample, Timeline

SAMPLE = Sample("2026-01-01T00:00:00Z", 1.0, 10, 10, 10, 0.0, 1.0, 0.0, 0.2, 0.9)


def filled(*held: int, server: int | None = None) -> Timeline:
    timeline = Timeline()
    for second, value in enumerate(held):
        timeline.add(dataclasses.replace(SAMPLE, elapsed_s=float(second), held=value, server_held=server))
    return timeline


def test_the_columns_are_those_promised() -> None:
    promised = "time_utc,elapsed_s,users,held,server_held,connects_s,messages_s,failures_s,p50_ms,p99_ms"
    assert ",".join(COLUMNS) == promised


def test_the_window_is_from_its_opening_to_the_sample_before_its_closing() -> None:
    timeline = filled(1, 5)
    timeline.open_window()
    for held in (9, 8, 7):
        timeline.add(dataclasses.replace(SAMPLE, held=held))
    timeline.close_window()
    timeline.add(dataclasses.replace(SAMPLE, held=0))
    assert [sample.held for sample in timeline.steady] == [9, 8, 7]
    assert timeline.lowest("held") == 7
    assert timeline.peak() == 9


def test_a_window_that_was_closed_stays_closed() -> None:
    timeline = filled(1)
    timeline.open_window()
    timeline.add(SAMPLE)
    timeline.close_window()
    timeline.add(SAMPLE)
    timeline.close_window()
    assert len(timeline.steady) == 1


def test_a_new_ramp_voids_the_window() -> None:
    timeline = filled(1)
    timeline.open_window()
    timeline.add(SAMPLE)
    timeline.void_window()
    timeline.close_window()
    assert list(timeline.steady) == []
    assert timeline.lowest("held") is None


def test_unknown_seconds_do_not_count_as_zero() -> None:
    timeline = Timeline()
    timeline.open_window()
    for value in (None, 7, 9):
        timeline.add(dataclasses.replace(SAMPLE, server_held=value))
    assert timeline.lowest("server_held") == 7


def test_a_long_run_is_thinned_for_the_page_alone() -> None:
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
