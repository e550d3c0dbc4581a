from rawsocket.master.reports.html import first_screen
from rawsocket.master.reports.html.words import UNKNOWN
from tests.support.documents import USED, failed, passed


def test_cause_is_the_first_sentence_and_reasons_follow() -> None:
    document = failed()
    assert first_screen.headline(document) == "FAIL"
    assert first_screen.cause(document).startswith("The server holds 20 connections (its cap)")
    assert first_screen.remedy(document) == "Set MAX_CONNECTIONS or MODEL=epoll"
    assert first_screen.other_reasons(document) == ["max_failures: 30, at most 0 was demanded"]


def test_first_reason_stands_for_an_unknown_cause() -> None:
    document = failed(cause=None, reasons=["a", "b"])
    assert (first_screen.cause(document), first_screen.remedy(document)) == ("a", "")
    assert first_screen.other_reasons(document) == ["b"]


def test_thresholds_have_words_units_and_what_they_cover() -> None:
    failures, p99 = first_screen.thresholds(failed())
    assert (failures.title, failures.limit, failures.actual, failures.outcome) == (
        "failures", "at most 0", "30", "✗ missed"
    )  # fmt: skip
    assert failures.covers == "whole run"
    assert (p99.title, p99.limit, p99.actual, p99.outcome) == (
        "p99 latency from due",
        "at most 1 s",
        "6.12 ms",
        "✓ met",
    )
    assert p99.covers == "steady window"


def test_threshold_that_names_itself_is_taken_at_its_word() -> None:
    check = {"name": "max_p99_ms", "limit": 5, "actual": None, "ok": None, "title": "p99", "unit": "%", "text": "t"}
    (line,) = first_screen.thresholds(passed(thresholds=[check]))
    assert (line.title, line.limit, line.state, line.text) == ("p99", "at most 5 %", "unknown", "t")


def test_threshold_of_a_row_or_of_another_version() -> None:
    checks = [
        {"name": "max_p99_ms[connect]", "limit": 5, "actual": 6, "ok": False},
        {"name": "max_failures_percent[login]", "limit": 5, "actual": 6, "ok": False},
        {"name": "from_the_future", "limit": 5, "actual": 6, "ok": False},
    ]
    connect, share, future = first_screen.thresholds(passed(thresholds=checks))
    assert (connect.title, connect.covers) == ("p99 latency from due of connect", "whole run")
    assert (share.limit, share.title) == ("at most 5 %", "failures of login, share of all events")
    assert (future.title, future.limit, future.covers) == ("from_the_future", "5", "")


def test_tiles_show_what_was_missed() -> None:
    held, server, p99, messages, failures = first_screen.tiles(failed())
    assert (held.value, held.covers, server.value, server.note) == (
        "20 of 50",
        "least in the steady window",
        "20",
        "cap 1,000",
    )
    assert (p99.value, p99.note, messages.value) == ("6.12 ms", "at most 1 s", "5.0")
    assert (failures.value, failures.state, failures.mark) == ("30", "fail", "✗ missed")
    assert failures.note == "none allowed"
    assert {tile.state for tile in (server, p99, messages)} == {""}
    assert (held.state, held.mark) == ("short", "! short of 50")


def test_held_is_not_short_where_a_threshold_says_how_many_are_enough() -> None:
    checks = [{"name": "min_held", "limit": 10, "actual": 20, "ok": True}]
    assert first_screen.tiles(failed(thresholds=checks))[0].state == ""
    assert first_screen.tiles(passed())[0].state == ""


def test_tile_of_failures_says_what_they_are() -> None:
    document = failed()
    document |= {"failures": 330, "failure_kinds": {"refused": 270, "reset": 60}}
    assert first_screen.tiles(document)[4].note == "270 connects refused, 60 lost; none allowed"


def test_thresholds_that_were_met_do_not_count_in_an_unknown_run() -> None:
    (*_, p99) = first_screen.thresholds(failed(verdict="unknown"))
    assert (p99.state, p99.outcome) == ("not-counted", f"{UNKNOWN} met, not counted")


def test_tiles_of_a_run_that_knows_little() -> None:
    held = {"steady_min": None, "peak": 7, "server_steady_min": None}
    document = passed(held=held, server=None, thresholds=[], latency_ms={"from_due": None})
    held_tile, server, p99, messages, failures = first_screen.tiles(document)
    assert (held_tile.value, held_tile.covers) == ("7 of 50", "peak of the run")
    assert (server.note, p99.value, messages.note, failures.note) == (
        "its counters could not be read", UNKNOWN, "no threshold", "no threshold"
    )  # fmt: skip
    assert failures.value == "0"


def test_tile_of_a_server_without_counters_has_its_cpu_and_memory() -> None:
    tile = first_screen.tiles(passed(server=USED))[1]
    assert (tile.title, tile.value) == ("the server's CPU", "25%")
    assert tile.note == "of a core; memory 12 MB at most"


def test_span_says_when_and_which_seconds_are_steady() -> None:
    assert first_screen.span(passed()).endswith("steady window 9.9 s, from 2.1 s to 12 s")
    assert first_screen.span(passed(run={"steady_s": 0.0})).endswith("no steady window")


def test_held_is_compared_with_what_all_users_hold_as_on_page_and_console() -> None:
    held = {"wanted": 100, "steady_min": 45, "peak": 50, "server_steady_min": 45}
    checks = [{"name": "min_held", "limit": 40, "actual": 45, "ok": True}]
    tile = first_screen.tiles(passed(held=held, thresholds=checks, failures=7))[0]
    assert (tile.value, tile.note) == ("45 of 100", "peak of the run 50; at least 40")
    assert first_screen.tiles(passed(thresholds=[], failures=7))[4].value == "7"


def test_unknown_is_explained() -> None:
    assert first_screen.meaning(passed(verdict="unknown")).startswith("Neither passed nor failed")
    assert first_screen.meaning(passed()) == first_screen.meaning(failed()) == ""
