from typing import Any

import pytest

from bench.load import table
from bench.load.contenders import FLOOR, SESSION
from bench.results.line import AIM, MET, MISSED, REPORTED, UNKNOWN, Line
from bench.results.record import Record
from bench.settings import LOAD_ROWS
from tests.support.bench_load_records import RECORDS, trial


def _line(key: str, records: list[Record]) -> Line:
    (line,) = [line for line in table.lines(records, LOAD_ROWS, 15_000) if line.key == key]
    return line


def _with(experiment: str, name: str, **values: Any) -> list[Record]:
    """The records with changed values in one trial."""
    return [
        trial(r.experiment, r.contender, **{**r.values, **values})
        if (r.experiment, r.contender) == (experiment, name)
        else r
        for r in RECORDS
    ]


def _without(*names: str) -> list[Record]:
    return [record for record in RECORDS if record.contender not in names]


def test_each_row_has_its_lines() -> None:
    keys = [line.key for line in table.lines(RECORDS, LOAD_ROWS, 15_000)]
    assert keys == [
        *("memory", "cpu", "closed", "arrivals", "lag", "stall 100", "stall 1000"),
        *("tls", "tls memory", "tls handshakes", "ids", "heartbeats"),
        *("conversation", "conversation memory", "soak"),
    ]
    assert [line.key for line in table.lines(RECORDS, ["lag"], 15_000)] == ["lag"]


def test_good_run_reaches_all_aims() -> None:
    outcomes = {line.key: line.outcome for line in table.lines(RECORDS, LOAD_ROWS, 15_000)}
    reported = dict.fromkeys(("tls", "tls handshakes", "ids", "heartbeats"), REPORTED)
    assert (
        outcomes
        == dict.fromkeys(outcomes, AIM) | dict.fromkeys(("conversation", "conversation memory", "soak"), MET) | reported
    )


@pytest.mark.parametrize(
    ("experiment", "key", "values", "outcome"),
    [
        ("hold", "memory", {"kb": 1.25}, MET),
        ("hold", "memory", {"kb": 1.26}, MISSED),
        ("hold", "memory", {"kb": None}, UNKNOWN),
        ("hold", "cpu", {"us": 29.0}, MET),
        ("hold", "cpu", {"us": 31.0}, MISSED),
        ("closed", "closed", {"us": 14.0}, MET),
        ("closed", "closed", {"us": 16.0}, MISSED),
        ("arrivals", "arrivals", {"worst_pct": 14.0}, MET),
        ("arrivals", "arrivals", {"worst_pct": 16.0}, MISSED),
        ("arrivals", "arrivals", {"accepted": 15_001}, MISSED),
        ("arrivals", "arrivals", {"accepted": 14_999}, MISSED),
        ("arrivals", "arrivals", {"failed": 1}, MISSED),
        ("hold", "lag", {"lag_held_ms": 26.0}, MET),
        ("hold", "lag", {"lag_end_ms": 51.0}, MET),
        ("hold", "lag", {"lag_ramp_ms": 51.0}, MISSED),
        ("stall 100", "stall 100", {"p99_9_implied_off_pct": -1.5}, MET),
        ("stall 100", "stall 100", {"p99_implied_off_pct": 2.5}, MISSED),
        ("stall 100", "stall 100", {"unsent": 1}, MISSED),
        ("stall 1000", "stall 1000", {"p99_implied_off_pct": 4.0}, MET),
        ("soak", "soak", {"unexplained": 1, "reconciled": False}, MISSED),
        ("soak", "soak", {"growth_pct": 1.5}, MISSED),
        ("soak", "soak", {"server_growth_pct": 1.5}, MISSED),
        ("soak", "soak", {"server_growth_pct": 0.5, "descriptors": {"server": [1010, 1012]}}, MET),
        ("soak", "soak", {"descriptors": {"worker": [1010, 1010], "server": [1010, 1100]}}, MISSED),
        ("soak", "soak", {"reconciled": None}, UNKNOWN),
        ("soak", "soak", {"soak_s": 3600.0}, AIM),
    ],
)
def test_limits_and_aims(experiment: str, key: str, values: dict[str, Any], outcome: str) -> None:
    assert _line(key, _with(experiment, SESSION, **values)).outcome == outcome


def test_cpu_limit_is_the_lower_of_two() -> None:
    assert _line("cpu", RECORDS).must == pytest.approx(30.0)  # 1/3 of 90, 1/2 of 70
    assert _line("cpu", _with("hold", "tuned", us=50.0)).must == pytest.approx(25.0)
    assert _line("cpu", _without("typical")).outcome == UNKNOWN


def test_closed_loop_is_relative_to_the_floor() -> None:
    line = _line("closed", RECORDS)
    assert line.values[SESSION] == pytest.approx(1.2)
    assert line.shown[SESSION] == "1.20 x, 12.0 µs"
    assert line.shown[FLOOR] == "1.00 x, 10.0 µs"


def test_a_table_without_figures_is_unknown() -> None:
    lines = table.lines([], LOAD_ROWS, 15_000)
    assert {line.outcome for line in lines} == {UNKNOWN}
    assert {line.stolen for line in lines} == {None}


def test_problem_of_ours_is_a_note() -> None:
    line = _line("arrivals", [Record("arrivals", SESSION, 1, {}, "it broke")])
    assert (line.outcome, line.notes) == (UNKNOWN, ["session: it broke"])


def test_steal_time_is_shown_and_noted() -> None:
    line = _line("memory", _with("hold", SESSION, stolen=0.3))
    assert line.stolen == 0.3
    assert any("the host stole too much" in note for note in line.notes)


def test_stall_line_has_a_bar_with_the_true_value() -> None:
    bars = _line("stall 100", RECORDS).bars
    assert [bar[0] for bar in bars] == ["SessionUser", "typical Locust user", "true value"]
