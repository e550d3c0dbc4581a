from rawsocket.master.reports.html.chart_data import POINTS, chart_data
from tests.support import levels
from tests.support.documents import failed, passed, timeline


def test_columns_are_rounded_and_unknown_values_stay_unknown() -> None:
    columns = chart_data(passed(), timeline(2))["timeline"]
    assert columns == {
        "elapsed_s": [1, 2],
        "held": [50, 50],
        "server_held": [None, 50],
        "messages_s": [1234.6, 1234.6],
        "failures_s": [0, 0],
        "p50_ms": [0.591, 0.591],
        "p99_ms": [6.115, 6.115],
    }


def test_long_run_is_thinned_and_keeps_its_last_second() -> None:
    columns = chart_data(passed(), timeline(5000))["timeline"]
    assert len(columns["held"]) <= POINTS
    assert columns["elapsed_s"][-1] == 5000


def test_limits_steady_window_and_events() -> None:
    events = [{"at_s": 1.0, "kind": "ramp-complete", "text": "All users have started"}]
    data = chart_data(failed(events=events), timeline())
    assert data["limits"] == {"wanted": 50.0, "cap": 1000, "p99_ms": 1000}
    assert data["steady"] == [2.1, 12.0]
    assert (data["events"], data["live"]) == (events, False)


def test_run_without_events_or_window() -> None:
    assert [event["kind"] for event in chart_data(passed(), timeline())["events"]] == ["stop"]
    run = {**passed()["run"], "steady_from_s": None, "steady_s": 0.0}
    data = chart_data(passed(run=run, server=None, thresholds=[], verdict="running"), {})
    assert (data["events"], data["steady"], data["live"]) == ([], None, True)
    assert data["limits"] == {"wanted": 50.0, "cap": None, "p99_ms": None}


def test_levels_of_a_load_shape() -> None:
    assert chart_data(passed(), timeline(2))["levels"] == []
    assert chart_data({**passed(), **levels.document()}, timeline(2))["levels"] == [
        {"users": 100, "begun_s": 0.0, "steady_from_s": 3.0, "to_s": 31.0, "verdict": "pass"},
        {"users": 200, "begun_s": 31.0, "steady_from_s": 34.0, "to_s": 62.0, "verdict": "fail"},
    ]


def test_fault_of_a_drill_and_silences_of_the_server() -> None:
    assert (chart_data(passed(), {})["drill"], chart_data(passed(), {})["silences"]) == (None, [])
    drill = {"injected_s": 10.0, "healed_s": None}  # it never healed
    data = chart_data(passed(drill=drill, silences=[[10.0, 14.5]]), {})
    assert (data["drill"], data["silences"]) == ([10.0, None], [[10.0, 14.5]])
    assert chart_data(passed(drill={"injected_s": None, "healed_s": None}), {})["drill"] is None
