from typing import Any

from rawsocket.master.observability.otlp_request import RunFigures, request

FIGURES = RunFigures(
    started_s=1_700_000_000.0,
    now_s=1_700_000_012.5,
    held=800,
    users=801,
    server_held=799,
    failures=3,
    messages={"answered": 90, "wrong": 1},
    latency={"from_due": {1000: 2, 2000: 1}, "connect": {}},
    attributes={"holdfast.scenario": "hold", "holdfast.target": ""},
)


def metrics(figures: RunFigures) -> dict[str, dict[str, Any]]:
    (resource,) = request(figures)["resourceMetrics"]
    return {metric["name"]: metric for metric in resource["scopeMetrics"][0]["metrics"]}


def test_whole_numbers_are_texts_and_times_are_nanoseconds() -> None:
    (point,) = metrics(FIGURES)["holdfast.held"]["gauge"]["dataPoints"]
    assert point == {"timeUnixNano": "1700000012500000000", "asInt": "800"}


def test_sums_are_cumulative_since_the_start_of_the_run() -> None:
    total = metrics(FIGURES)["holdfast.messages"]["sum"]
    assert (total["aggregationTemporality"], total["isMonotonic"]) == (2, True)
    assert total["dataPoints"][0] == {
        "attributes": [{"key": "outcome", "value": {"stringValue": "answered"}}],
        "startTimeUnixNano": "1700000000000000000",
        "timeUnixNano": "1700000012500000000",
        "asInt": "90",
    }
    assert metrics(FIGURES)["holdfast.failures"]["sum"]["dataPoints"][0]["asInt"] == "3"


def test_latencies_are_exponential_histograms_of_what_was_timed() -> None:
    latency = metrics(FIGURES)["holdfast.latency"]
    (point,) = latency["exponentialHistogram"]["dataPoints"]
    assert point["attributes"] == [{"key": "kind", "value": {"stringValue": "from_due"}}]
    assert (latency["unit"], point["count"], point["sum"], point["zeroCount"]) == ("s", "3", 0.004, "0")
    assert (point["min"], point["max"]) == (0.001, 0.002)
    assert sum(map(int, point["positive"]["bucketCounts"])) == 3


def test_unknown_count_of_the_server_and_missing_times_are_left_out() -> None:
    names = set(metrics(RunFigures(0.0, 1.0, 0, 0)))
    assert names == {"holdfast.held", "holdfast.users", "holdfast.messages", "holdfast.failures"}


def test_resource_says_what_runs() -> None:
    (resource,) = request(FIGURES)["resourceMetrics"]
    found = {one["key"]: one["value"]["stringValue"] for one in resource["resource"]["attributes"]}
    assert found == {"service.name": "holdfast", "holdfast.scenario": "hold"}
