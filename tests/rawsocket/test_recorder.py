import json

from hypothesis import given
from hypothesis import strategies as st

from rawsocket.recorder import RECORDER, Recorder, truncate


@given(st.integers(0, 10**10))
def test_truncation_keeps_three_digits(us: int):
    cut = truncate(us)
    assert cut <= us < cut + max(1, cut / 99)
    assert len(str(cut).rstrip("0")) <= 3


def test_a_report_has_these_keys_and_counts():
    recorder = Recorder()
    recorder.begin_run()
    recorder.held += 1
    recorder.attempt_failed("refused")
    recorder.settled(reconnect=True)
    recorder.drop("closed")
    recorder.sent += 2
    recorder.answered += 1
    recorder.event("message", 0.123456, 20, None)
    recorder.event("message", 0.5, 0, "closed")
    report = recorder.report()
    json.dumps(report)
    assert report.pop("cpu_s") > 0
    assert report.pop("wall_s") > 0
    assert report == {
        "run": 1,
        "seq": 1,
        "final": False,
        "held": 1,
        "connections": {
            "attempted": 2,
            "connected": 1,
            "failed": {"refused": 1},
            "dropped": {"closed": 1},
            "reconnects": 1,
            "closed": 0,
        },
        "messages": {"due": 2, "sent": 2, "answered": 1, "wrong": 0, "late": 0, "unanswered": 0},
        "bytes": {"sent": 0, "received": 0},
        "failures": 1,
        "rows": [["TCP", "message", 2, {"closed": 1}, 20, [[123000, 1]]]],
    }


def test_counts_are_absolute_and_histograms_only_what_is_new():
    recorder = Recorder()
    recorder.event("message", 0.001, 5, None)
    recorder.report()
    recorder.event("message", 0.001, 5, None)
    recorder.event("message", 0.002, 5, None)
    [row] = recorder.report(final=True)["rows"]
    assert row == ["TCP", "message", 3, {}, 15, [[1000, 1], [2000, 1]]]
    [row] = recorder.report()["rows"]
    assert row[5] == []


def test_only_successes_have_their_time_in_the_histogram():
    recorder = Recorder()
    recorder.event("connect", 0.00005, 0, "refused")
    recorder.event("drop", None, 0, "closed")
    assert [row[5] for row in recorder.report()["rows"]] == [[], []]


def test_begin_run_forgets_everything_but_held():
    recorder = Recorder()
    recorder.held = 3
    recorder.settled(reconnect=False)
    recorder.event("message", 0.1, 5, "wrong")
    recorder.report()
    recorder.begin_run()
    report = recorder.report()
    assert (report["run"], report["seq"], report["held"]) == (1, 1, 3)
    assert (report["failures"], report["rows"], report["connections"]["attempted"]) == (0, [], 0)


def test_the_process_has_one_recorder():
    assert isinstance(RECORDER, Recorder)
