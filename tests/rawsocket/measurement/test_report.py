import json
from typing import Any

import msgpack
import pytest

from rawsocket.measurement.overdue import Waiting
from rawsocket.measurement.recorder import Recorder
from rawsocket.measurement.report import (
    LATEST_S,
    MOST,
    Connections,
    Counts,
    Lag,
    Limits,
    Messages,
    Report,
    ReportError,
    Sessions,
    StormReport,
    total,
)
from tests.support.reports import once, report

FULL = report(
    held=3,
    answered=9,
    failures={"closed": 2},
    rows={"message": {300: 9}, "connect": {80: 3}},
    lag={"lags": [[800, 95]], "worst_us": 801, "steal_s": 0.5},
    storms=[StormReport(60, dropped=3, back=2, back_s=0.5)],
    examples={"wrong": "b'x' instead of b'y'"},
    waiting=[Waiting("message", 8.0, once([8.5]))],
)


@pytest.mark.parametrize("sent", [FULL, Report(), Recorder().report(), Report(lag=Lag(), limits=Limits(1, 2, 3, "n"))])
def test_report_survives_a_round_trip(sent: Report) -> None:
    carried = msgpack.loads(msgpack.dumps(sent.to_wire()))
    assert Report.from_wire(carried) == sent
    assert json.loads(json.dumps(carried)) == carried


def test_whole_number_of_seconds_becomes_a_float() -> None:
    assert type(Report.from_wire({**Report().to_wire(), "wall_s": 5}).wall_s) is float


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["run"], "1", "report.run must be of type int"),
        (["run"], True, "report.run must be of type int"),
        (["final"], 1, "report.final must be of type bool"),
        (["wall_s"], None, "report.wall_s must be of type float"),
        (["counts"], [], "report.counts must be a mapping"),
        (["counts", "held"], 1.5, "report.counts.held must be of type int"),
        (
            ["counts", "connections", "dropped"],
            {"closed": "2"},
            "report.counts.connections.dropped.closed must be of type int",
        ),
        (["counts", "connections", "dropped"], {2: 2}, "report.counts.connections.dropped must be of type str"),
        (["examples"], {"wrong": 5}, "report.examples.wrong must be of type str"),
        (["storms"], {}, "report.storms must be of type list"),
        (["storms"], [[60, 3, 2, 0.5]], "report.storms[] must be a mapping"),
        (["overdue", "owed"], [[1, 2, 3]], "report.overdue.owed must be a list of pairs of whole numbers"),
        (["overdue", "owed"], [[1, 0.5]], "report.overdue.owed must be a list of pairs of whole numbers"),
        (["overdue", "owed"], [5], "report.overdue.owed must be a list of pairs of whole numbers"),
        (["lag", "lags"], {}, "report.lag.lags must be a list of pairs of whole numbers"),
        (["lag", "steal_s"], "0.5", "report.lag.steal_s must be of type float"),
    ],
)
def test_error_names_the_field_with_a_wrong_type(path: list[str], value: Any, said: str) -> None:
    table = wire = msgpack.loads(msgpack.dumps(FULL.to_wire()))
    for name in path[:-1]:
        table = table[name]
    table[path[-1]] = value
    with pytest.raises(ReportError) as caught:
        Report.from_wire(wire)
    assert str(caught.value) == said


@pytest.mark.parametrize("value", [None, 5, [], "report"])
def test_report_that_is_not_a_mapping_is_an_error(value: Any) -> None:
    with pytest.raises(ReportError, match="report must be a mapping"):
        Report.from_wire(value)


def test_error_names_a_missing_or_unknown_field() -> None:
    wire = FULL.to_wire()
    with pytest.raises(ReportError, match=r"report\.colour is not known"):
        Report.from_wire({**wire, "colour": "red"})
    del wire["counts"]["messages"]["due"]
    with pytest.raises(ReportError, match=r"report\.counts\.messages\.due is missing"):
        Report.from_wire(wire)


def test_total_adds_counts_by_field_and_tables_by_name() -> None:
    one = Counts(
        held=1, connections=Connections(failed={"refused": 1}), messages=Messages(sent=5, unsent={"closed": 1})
    )
    other = Counts(held=2, sessions=Sessions(begun=7), connections=Connections(failed={"refused": 2, "reset": 1}))
    whole = total([one, other])
    assert (whole.held, whole.sessions.begun, whole.messages.sent) == (3, 7, 5)
    assert whole.connections.failed == {"refused": 3, "reset": 1}
    assert whole.messages.unsent == {"closed": 1}
    assert one.connections.failed == {"refused": 1}
    assert total([]) == Counts()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("silent", -1, "report.silent must be from 0 to"),
        ("seq", MOST + 1, "report.seq must be from 0 to"),
        ("cpu_s", float("nan"), "report.cpu_s must be finite"),
        ("wall_s", float("inf"), "report.wall_s must be finite"),
        ("storms", [{"moment": LATEST_S + 1, "dropped": 0, "back": 0, "back_s": 0.0}],
         "report.storms[].moment must be a time"),
        ("overdue", {"count": 0, "oldest_s": 0.0, "rows": {}, "owed": [[5, -1]]}, "report.overdue.owed must be a list"),
        ("overdue", {"count": 0, "oldest_s": 0.0, "rows": {}, "owed": [[5, 1 << 60]]}, "report.overdue.owed must be"),
    ],
)  # fmt: skip
def test_error_names_the_field_with_a_number_that_means_nothing(field: str, value: Any, said: str) -> None:
    with pytest.raises(ReportError) as found:
        Report.from_wire({**Report().to_wire(), field: value})
    assert str(found.value).startswith(said)


def test_time_before_zero_is_one_of_an_adjusted_clock() -> None:
    assert Report.from_wire({**Report().to_wire(), "wall_s": -1.5}).wall_s == -1.5
