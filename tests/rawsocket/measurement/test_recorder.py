import json

from rawsocket.measurement.overdue import Waiting
from rawsocket.measurement.recorder import EXAMPLE, RECORDER, Recorder
from rawsocket.measurement.rows import SETTLE_AFTER, Row, truncate
from tests.support.reports import once


def test_a_report_has_these_keys_and_counts():
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
    recorder.success("message", (0.002, 0.001, 0.0005), 20)
    recorder.failure("message", "closed")
    recorder.example("wrong", "b'x' instead of b'y'")
    recorder.stop_asked([None, Waiting("message", 3.0, once([3.0, 2.0]))])
    report = recorder.report()
    json.dumps(report)
    assert report.pop("cpu_s") > 0
    assert report.pop("wall_s") > 0
    assert report == {
        "run": 1,
        "seq": 1,
        "final": False,
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
        },
        "bytes": {"sent": 0, "received": 0},
        "failures": 1,
        "examples": {"wrong": "b'x' instead of b'y'"},
        "waiting": {
            "count": 2,
            "oldest_s": 3.0,
            "rows": {"message": [[truncate(3_000_000), 1], [truncate(2_000_000), 1]]},
            "owed": [[truncate(3_000_000), 2]],
        },
        "arrivals": {"count": 2, "first_s": 5.0, "last_s": 6.5},
        "storms": [],
        "rows": [
            ["TCP", "message", 2, {"closed": 1}, 20, {"sent": [[1000, 1]], "due": [[2000, 1]], "first": [[500, 1]]}]
        ],
    }


def test_counts_are_absolute_and_histograms_only_what_is_new():
    recorder = Recorder()
    recorder.success("message", (0.001, 0.001, 0.001), 5)
    recorder.report()
    recorder.success("message", (0.001, 0.001, 0.001), 5)
    recorder.success("message", (0.002, 0.001, 0.001), 5)
    [row] = recorder.report(final=True)["rows"]
    assert row[:5] == ["TCP", "message", 3, {}, 15]
    assert row[5] == {"sent": [[1000, 2]], "due": [[1000, 1], [2000, 1]], "first": [[1000, 2]]}
    [row] = recorder.report()["rows"]
    assert row[5] == {"sent": [], "due": [], "first": []}


def test_a_connect_has_one_time_and_a_failure_none():
    recorder = Recorder()
    recorder.success("connect", (0.001, 0.001, 0.001), 0)
    recorder.failure("connect", "refused")
    recorder.failure("drop", "closed")
    empty = {"sent": [], "due": [], "first": []}
    assert [row[5] for row in recorder.report()["rows"]] == [{**empty, "sent": [[1000, 1]]}, empty]


def test_a_row_settles_by_itself_before_it_grows_large():
    recorder = Recorder()
    for _ in range(SETTLE_AFTER + 1):
        recorder.success("message", (0.001, 0.001, 0.001), 5)
    assert len(recorder.rows["message"].full) == 1
    assert recorder.rows["message"].requests == SETTLE_AFTER + 1


def test_groups_of_rows_are_reported_beside_the_recorders_own_and_cleared_with_them():
    recorder, group = Recorder(), {"message": Row()}
    recorder.groups.append(group)
    recorder.success("message", (0.001, 0.001, 0.001), 5)
    group["message"].plain.append(0.002)
    assert [row[:3] for row in recorder.report()["rows"]] == [["TCP", "message", 1], ["TCP", "message", 1]]
    recorder.begin_run()
    assert group == {}


def test_begin_run_forgets_everything_but_held():
    recorder = Recorder()
    recorder.held = 3
    recorder.settled(reconnect=False)
    recorder.failure("message", "wrong")
    recorder.report()
    recorder.begin_run()
    report = recorder.report()
    assert (report["run"], report["seq"], report["held"]) == (1, 1, 3)
    assert (report["failures"], report["rows"], report["connections"]["attempted"]) == (0, [], 0)


def test_a_storm_tells_who_dropped_who_came_back_and_when_the_last_did():
    recorder = Recorder()
    for _ in range(3):
        recorder.storm(1000)
    recorder.storm(1000, came_back_after=0.5)
    recorder.storm(1000, came_back_after=0.25)
    assert recorder.report()["storms"] == [[1000, 3, 2, 0.5]]


def test_what_waits_is_noted_once_per_run():
    recorder = Recorder()
    for run in (1, 2):
        recorder.begin_run()
        assert recorder.report()["waiting"]["count"] == 0
        recorder.stop_asked([Waiting("message", 2.0, once([2.0] * run))])
        recorder.stop_asked([Waiting("message", 5.0, once([5.0]))])
        assert [recorder.report(final=final)["waiting"]["count"] for final in (False, True)] == [run, run]


def test_what_was_never_sent_waits_in_the_row_with_the_most_events():
    recorder = Recorder()
    recorder.groups.append({"visit message": Row()})
    for name in ("connect", "connect", "connect", "other"):
        recorder.success(name, (0.001, 0.001, 0.001), 5)
    recorder.groups[0]["visit message"].plain += [0.001, 0.001]
    recorder.stop_asked([Waiting("", 2.0, once([2.0]))])
    assert list(recorder.report()["waiting"]["rows"]) == ["visit message"]
    nothing_sent = Recorder()
    nothing_sent.stop_asked([Waiting("", 2.0, once([2.0]))])
    assert list(nothing_sent.report()["waiting"]["rows"]) == ["message"]


def test_of_each_failure_the_first_example_of_a_run_is_kept_and_is_short():
    recorder = Recorder()
    assert [recorder.example("wrong", detail) for detail in ("x" * 1000, "y")] == [True, False]
    assert recorder.example("short", "z")
    assert recorder.report()["examples"] == {"wrong": "x" * EXAMPLE, "short": "z"}
    recorder.begin_run()
    assert recorder.report()["examples"] == {}


def test_the_process_has_one_recorder():
    assert isinstance(RECORDER, Recorder)
