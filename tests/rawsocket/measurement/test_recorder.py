import json

from rawsocket.measurement.overdue import Waiting
from rawsocket.measurement.recorder import EXAMPLE, RECORDER, Recorder
from rawsocket.measurement.report import RowTimes, StormReport
from rawsocket.measurement.stats_rows import BIN_AFTER, Row, truncate
from tests.support.reports import once


def test_keys_and_counts_of_a_report():
    recorder = Recorder()
    recorder.begin_run()
    recorder.held += 1
    recorder.arrived(5.0)
    recorder.arrived(6.5)
    recorder.attempt_failed("refused")
    recorder.settled(reconnect=True)
    recorder.drop("closed")
    recorder.sent += 3
    recorder.answered += 1
    recorder.lose("closed", 2, cut=True)
    recorder.unsent["refused"] = 4
    recorder.goodbyes_begun, recorder.goodbyes_said = 2, 1
    recorder.rows["message"].add((0.002, 0.001, 0.0005), 20)
    recorder.fail(recorder.rows["message"], "closed")
    recorder.example("wrong", "b'x' instead of b'y'")
    recorder.stop_asked([None, Waiting("message", 3.0, once([3.0, 2.0]))])
    report = recorder.report().to_wire()
    json.dumps(report)
    assert report.pop("cpu_s") > 0
    assert report.pop("wall_s") > 0
    assert report == {
        "run": 1,
        "seq": 1,
        "final": False,
        "counts": {
            "held": 1,
            "sessions": {"begun": 0, "ended": 0},
            "connections": {
                "attempted": 2,
                "connected": 1,
                "failed": {"refused": 1},
                "dropped": {"closed": 1},
                "reconnects": 1,
                "closed": 0,
                "abandoned": 0,
                "unproven": 0,
            },
            "messages": {
                "due": 7,
                "sent": 3,
                "answered": 1,
                "wrong": 0,
                "late": 0,
                "unanswered": 2,
                "unsent": {"refused": 4},
                "unanswered_by": {"closed": 2},
                "cut": 1,
                "pushed": 0,
                "oneway": 0,
                "unread_pushes": 0,
            },
            "bytes": {"sent": 0, "received": 0},
            "failures": 1,
            "goodbyes": {"begun": 2, "said": 1},
        },
        "examples": {"wrong": "b'x' instead of b'y'"},
        "overdue": {
            "count": 2,
            "oldest_s": 3.0,
            "rows": {"message": [[truncate(3_000_000), 1], [truncate(2_000_000), 1]]},
            "owed": [[truncate(3_000_000), 2]],
        },
        "arrivals": {"count": 2, "first_s": 5.0, "last_s": 6.5},
        "storms": [],
        "rows": [
            {
                "type": "TCP",
                "name": "message",
                "requests": 2,
                "failures": {"closed": 1},
                "bytes": 20,
                "times": {"sent": [[1000, 1]], "due": [[2000, 1]], "first": [[500, 1]], "wait": []},
                "judged": True,
                "again": 0,
                "again_bytes": 0,
            }
        ],
        "silent": 0,
        "outstanding": 0,
        "outstanding_s": 0.0,
        "lag": None,
        "limits": None,
        "scenario_errors": [],
    }


def test_report_has_absolute_counts_and_only_new_times():
    recorder = Recorder()
    recorder.rows["message"].add((0.001, 0.001, 0.001), 5)
    recorder.report()
    recorder.rows["message"].add((0.001, 0.001, 0.001), 5)
    recorder.rows["message"].add((0.002, 0.001, 0.001), 5)
    [row] = recorder.report(final=True).rows
    assert (row.type, row.name, row.requests, row.failures, row.bytes) == ("TCP", "message", 3, {}, 15)
    assert row.times == RowTimes(sent=[[1000, 2]], due=[[1000, 1], [2000, 1]], first=[[1000, 2]])
    [row] = recorder.report().rows
    assert row.times == RowTimes()


def test_connect_has_one_time_and_failure_has_none():
    recorder = Recorder()
    recorder.rows["connect"].add((0.001, 0.001, 0.001), 0)
    recorder.fail(recorder.rows["connect"], "refused")
    recorder.fail(recorder.rows["drop"], "closed")
    assert [row.times for row in recorder.report().rows] == [RowTimes(sent=[[1000, 1]]), RowTimes()]


def test_row_bins_its_times_before_it_grows_large():
    recorder = Recorder()
    for _ in range(BIN_AFTER + 1):
        recorder.rows["message"].add((0.001, 0.001, 0.001), 5)
    assert len(recorder.rows["message"].full) == 1
    assert recorder.rows["message"].requests == BIN_AFTER + 1


def test_recorder_reports_and_clears_groups_of_rows_with_its_own():
    recorder, group = Recorder(), {"message": Row()}
    recorder.groups.append(group)
    recorder.rows["message"].add((0.001, 0.001, 0.001), 5)
    group["message"].plain.append(0.002)
    assert [(row.type, row.name, row.requests) for row in recorder.report().rows] == [("TCP", "message", 1)] * 2
    recorder.begin_run()
    assert group == {}


def test_begin_run_clears_everything_except_held():
    recorder = Recorder()
    recorder.held = 3
    recorder.settled(reconnect=False)
    recorder.fail(recorder.rows["message"], "wrong")
    recorder.report()
    recorder.begin_run()
    report = recorder.report()
    assert (report.run, report.seq, report.counts.held) == (1, 1, 3)
    assert (report.counts.failures, report.rows, report.counts.connections.attempted) == (0, [], 0)


def test_a_storm_counts_drops_returns_and_seconds_until_the_last():
    recorder = Recorder()
    for _ in range(3):
        recorder.storm(1000)
    recorder.storm(1000, came_back_after=0.5)
    recorder.storm(1000, came_back_after=0.25)
    assert recorder.report().storms == [StormReport(1000, dropped=3, back=2, back_s=0.5)]


def test_overdue_messages_are_noted_once_per_run():
    recorder = Recorder()
    for run in (1, 2):
        recorder.begin_run()
        assert recorder.report().overdue.count == 0
        recorder.stop_asked([Waiting("message", 2.0, once([2.0] * run))])
        recorder.stop_asked([Waiting("message", 5.0, once([5.0]))])
        assert [recorder.report(final=final).overdue.count for final in (False, True)] == [run, run]


def test_unsent_messages_count_in_the_row_with_the_most_events():
    recorder = Recorder()
    recorder.groups.append({"visit message": Row()})
    for name in ("connect", "connect", "connect", "other"):
        recorder.rows[name].add((0.001, 0.001, 0.001), 5)
    recorder.groups[0]["visit message"].plain += [0.001, 0.001]
    recorder.stop_asked([Waiting("", 2.0, once([2.0]))])
    assert list(recorder.report().overdue.rows) == ["visit message"]
    nothing_sent = Recorder()
    nothing_sent.stop_asked([Waiting("", 2.0, once([2.0]))])
    assert list(nothing_sent.report().overdue.rows) == ["message"]


def test_the_first_example_of_each_failure_is_kept_and_is_short():
    recorder = Recorder()
    assert [recorder.example("wrong", detail) for detail in ("x" * 1000, "y")] == [True, False]
    assert recorder.example("short", "z")
    assert recorder.report().examples == {"wrong": "x" * EXAMPLE, "short": "z"}
    recorder.begin_run()
    assert recorder.report().examples == {}


def test_the_process_has_one_recorder():
    assert isinstance(RECORDER, Recorder)
