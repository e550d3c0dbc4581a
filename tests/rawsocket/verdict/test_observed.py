from collections.abc import Mapping
from dataclasses import replace

from rawsocket.measurement.report import Connections, Counts, Report, StormReport
from rawsocket.verdict.judge import Figures
from rawsocket.verdict.observed import (
    ALERT,
    MOST_EVENTS,
    RAMP,
    REPORT_S,
    STEP,
    WORKER_LOST,
    Event,
    Facts,
    LabFact,
    Observed,
    Overdue,
    Silence,
    Silences,
    storm_events,
)
from rawsocket.verdict.silent_feeds import FeedSilence
from tests.support.reports import report


def _worker(wall_s: float, received: int, waiting: int = 0) -> Report:
    messages = {"due": 100, "sent": 100, "answered": 100 - waiting}
    return report(wall_s=wall_s, messages=messages, bytes_={"sent": 1, "received": received})


def _latest(**workers: Report) -> Mapping[str, Report]:
    return workers


def test_events_are_in_order_of_time_with_the_storms() -> None:
    seen = Observed()
    seen.note(12.04, ALERT, "late", "server slow")
    seen.note(3, STEP, "20 users at 5/s")
    storms = storm_events([report(storms=[StormReport(1007, 30)]), report(storms=[StormReport(1007, 12)])], 1000.5)
    assert seen.all_events(storms) == [
        {"at_s": 3, "kind": "step", "text": "20 users at 5/s", "label": "step"},
        {"at_s": 6.5, "kind": "storm", "text": "storm: 42 connections dropped", "label": "storm"},
        {"at_s": 12.0, "kind": "alert", "text": "late", "label": "server slow"},
    ]


def test_events_have_a_bound() -> None:
    seen = Observed()
    for number in range(MOST_EVENTS + 5):
        seen.note(number, ALERT, "again")
    assert len(seen.events) == MOST_EVENTS
    assert seen.events[-1] == Event(MOST_EVENTS - 1, ALERT, "again")


def test_longest_silence_is_kept() -> None:
    seen = Observed()
    for silence in (None, Silence(3, 4, 9), Silence(30, 3, 5), None):
        seen.note_silence(silence, 40.0)
    assert seen.longest == Silence(3, 4, 9)


def test_silences_last_until_bytes_come_and_have_a_bound() -> None:
    seen = Observed()
    looks = {6.04: Silence(3.0, 3, 9), 7.0: Silence(3.1, 4, 9), 8.0: None, 9.0: None, 20.0: Silence(16.0, 4, 9)}
    for at_s, silence in looks.items():
        seen.note_silence(silence, at_s)
    assert seen.silences == [[3.0, 8.0], [16.0, 20.0]]
    for at_s in range(30, 30 + 2 * MOST_EVENTS):
        seen.note_silence(Silence(at_s - 3.0, 3, 9) if at_s % 2 else None, at_s)
    assert len(seen.silences) == MOST_EVENTS


def test_longest_wait_for_a_part_of_the_replies_is_kept() -> None:
    seen = Observed()
    for found in (None, Overdue(3, 9, 100), Overdue(30, 7, 100), None):
        seen.note_overdue(found)
    assert seen.overdue == Overdue(3, 9, 100)
    assert Overdue(3, 9, 1, 4, 4).afterwards() == "1 reply was overdue for up to 9 s, from 3 s on, while others came"


def test_longest_silence_of_the_feed_is_kept() -> None:
    seen = Observed()
    for silence in (None, FeedSilence(3, 9, 100), FeedSilence(30, 7, 100), None):
        seen.note_feed(silence)
    assert seen.feed == FeedSilence(3, 9, 100)


def test_server_is_silent_while_messages_wait_and_no_bytes_come() -> None:
    silences = Silences()
    assert silences.look(_latest(a=_worker(1, 500, 9)), 1.5) is None
    silences.look(_latest(a=_worker(2, 500, 9)), 2.5)
    assert silences.look(_latest(a=_worker(5, 500, 9)), 5.5) == Silence(1.5, 4.0, 9)
    assert silences.look(_latest(a=_worker(6, 501, 8)), 6.5) is None


def test_silence_begins_with_the_first_overdue_message() -> None:
    """Reports are a second apart, and up to a second old when they are looked at."""
    silences = Silences()
    for wall_s, waits_s in ((1.0, 0.0), (2.0, 0.0), (3.0, 0.0), (4.0, 0.0), (5.0, 3.8)):
        seen = replace(_worker(wall_s, int(min(wall_s, 2.0)), 9), outstanding=9, outstanding_s=waits_s)
        found = silences.look(_latest(a=seen), wall_s + 0.5, lambda worker: 0.5)
    assert found == Silence(1.2, 3.8, 9)


def test_message_that_waits_since_long_before_the_last_byte_did_not_begin_the_silence() -> None:
    silences = Silences()
    for wall_s in (17.0, 18.0, 19.0):
        seen = replace(_worker(wall_s, int(min(wall_s, 18.0)), 9), outstanding=1, outstanding_s=wall_s)
        found = silences.look(_latest(a=seen), wall_s)
    assert found == Silence(18.0 - REPORT_S, 1.0 + REPORT_S, 9)


def test_nothing_to_answer_is_no_silence() -> None:
    silences = Silences()
    for second in range(9):
        assert silences.look(_latest(a=_worker(second, 500)), second) is None


def test_frozen_worker_says_nothing_about_the_server() -> None:
    silences = Silences()
    frozen = _worker(1, 500, 9)
    for second in range(1, 9):
        assert silences.look(_latest(a=frozen, b=_worker(second, 500 + second, 3)), second) is None
    assert silences.look(_latest(a=frozen), 60.0) is None


def test_one_worker_that_gets_replies_breaks_the_silence() -> None:
    silences = Silences()
    for second in range(1, 6):
        assert silences.look(_latest(a=_worker(second, 500, 9), b=_worker(second, second, 3)), second) is None


def test_failed_counts_connects_and_connections_that_were_dropped() -> None:
    counts = Counts(connections=Connections(failed={"reset": 2}, dropped={"reset": 3, "closed": 1}))
    facts = Facts(Figures(), counts)
    assert [facts.failed(name) for name in ("reset", "closed", "refused")] == [5, 1, 0]


def test_event_without_a_label_has_that_of_its_kind() -> None:
    assert Event(1.0, RAMP, "x").document()["label"] == "all users started"
    assert Event(1.0, WORKER_LOST, "x").document()["label"] == "worker lost"


def test_fact_says_how_a_part_ended_and_the_last_line_of_its_log() -> None:
    server = LabFact("server", "it exited with 1", log="MemoryError")
    worker = LabFact("worker-1", "it was killed (SIGKILL), by hand or for lack of memory")
    facts = Facts(Figures(), lab=[server, worker])
    assert [facts.fact(part) for part in ("server", "worker", "master")] == [server, worker, None]
    assert (
        server.said("The server", " 8 s after the start")
        == "The server exited with 1 8 s after the start (MemoryError)"
    )
    assert worker.said("It", " at 8 s") == "It was killed (SIGKILL) at 8 s, by hand or for lack of memory"
    assert (server.killed, worker.killed) == (False, True)
