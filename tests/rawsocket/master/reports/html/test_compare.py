from rawsocket.master.reports.html import compare, render
from rawsocket.master.reports.html.documents import RunDocuments
from rawsocket.master.reports.html.words import UNKNOWN
from tests.support import levels
from tests.support.documents import TIMES, USED, failed, passed, timeline

HOSTILE = "</script><img src=x onerror=alert(1)>"


def test_figures_have_their_difference_from_the_first_run() -> None:
    slower = passed(latency_ms={"from_due": {**TIMES, "p99": 12.23}, "from_sent": None, "connect": TIMES})
    rows = {row.title: row.cells for row in compare.table([("a", RunDocuments(passed())), ("b", RunDocuments(slower))])}
    assert rows["p99 latency from due"] == [("6.12 ms", ""), ("12.2 ms", "+100 %")]
    assert rows["p50 latency from due"] == [("0.59 ms", ""), ("0.59 ms", "")]
    assert rows["p99 latency from sent"][1] == (UNKNOWN, "")


def test_change_from_nothing_is_no_percentage() -> None:
    assert compare.change(0, 179) == "+179"
    assert (compare.change(None, 1), compare.change(2, None), compare.change(2, 2)) == ("", "", "")
    assert compare.change(50, 20) == "-60 %"


def test_only_settings_that_are_not_the_same_are_shown() -> None:
    run = {**passed()["run"], "every_s": 1.0}
    environment = {"settings": {"every_s": 1.0, "every": 1.0}, "host": {"engine": "native"}}
    runs = [("a", RunDocuments(passed())), ("b", RunDocuments(passed(run=run), environment=environment))]
    rows = {row.title: [value for value, _ in row.cells] for row in compare.table(runs)[len(compare.FIGURES) :]}
    assert rows == {"EVERY": ["10", "1"], "engine": ["unset", "native"]}


def test_servers_in_the_place_of_ours_are_told_apart() -> None:
    runs = [(name, RunDocuments(passed(server={**USED, "name": f"SERVER_IMAGE={name}"}))) for name in ("a", "b")]
    rows = {row.title: [value for value, _ in row.cells] for row in compare.table(runs)[len(compare.FIGURES) :]}
    assert rows == {"server": ["SERVER_IMAGE=a", "SERVER_IMAGE=b"]}


def test_levels_of_load_shapes_are_compared_one_by_one() -> None:
    assert compare.levels([passed(), passed()]) == []
    both, third = levels.document(), levels.level(number=3, users=300, p99_ms=9.3, verdict="unknown")
    slower = {"levels": [levels.level(p99_ms=6.2), third]}
    rows = {row.title: row.cells for row in compare.levels([passed(**both), passed(**slower)])}
    assert rows == {
        "level: 100 users": [
            ("\u2713 passed, 99.8 messages/s, p99 3.1 ms", ""), ("\u2713 passed, 99.8 messages/s, p99 6.2 ms", "+100 %")
        ],
        "level: 200 users": [("\u2717 failed, 200 messages/s, p99 31 ms", ""), (UNKNOWN, "")],
        "level: 300 users": [(UNKNOWN, ""), ("? unknown, 99.8 messages/s, p99 9.3 ms", "")],
    }  # fmt: skip


def test_drills_are_compared_figure_by_figure() -> None:
    assert compare.drills([passed(), passed()]) == []
    first = {"name": "server-stop", "outcome": "recovered", "measured": {"lost": 8, "recover_s": 2.0}}
    second = {"name": "server-stop", "outcome": "not recovered", "measured": {"lost": 8, "recover_s": None}}
    rows = {row.title: row.cells for row in compare.drills([passed(drill=first), passed(), passed(drill=second)])}
    assert rows == {
        "drill": [("server-stop: recovered", ""), (UNKNOWN, ""), ("server-stop: not recovered", "")],
        "drill: lost connections (blast radius)": [("8 connections", ""), (UNKNOWN, ""), ("8 connections", "")],
        "drill: time to recover": [("2 s", ""), (UNKNOWN, ""), (UNKNOWN, "")],
    }
    assert "drill: time to recover" in [row.title for row in compare.table([("a", RunDocuments(passed(drill=first)))])]


def test_summary_of_a_run_with_and_without_a_verdict() -> None:
    line = compare.summary(failed())
    assert (line["scenario"], line["held"], line["failures"]) == ("hold, 50 users", "20 of 50", "30")
    assert line["cause"].startswith("The server holds 20 connections")
    assert set(compare.summary({}).values()) == {""}


def test_comparison_is_one_page_that_escapes_what_it_is_given() -> None:
    runs = [(HOSTILE, RunDocuments(failed(reasons=[HOSTILE], cause=None), timeline())), ("b", RunDocuments(passed()))]
    page = render.comparison(runs)
    assert "✗ FAIL" in page
    assert "✓ PASS" in page
    assert HOSTILE not in page
    assert page.count("<script>") == 3


def test_list_of_runs_links_to_their_reports() -> None:
    page = render.index([("a", failed(), True), ("b", {}, False), (HOSTILE, passed(), True)])
    assert '<a href="a/report.html">a</a>' in page
    assert 'href="b/' not in page
    assert HOSTILE not in page
