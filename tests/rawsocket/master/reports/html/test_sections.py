from rawsocket.master.reports.html import sections
from rawsocket.master.reports.html.documents import FailureDocument, RowDocument
from rawsocket.master.reports.html.words import UNKNOWN
from tests.support.documents import USED, WORKER, passed


def test_latencies_have_a_column_for_each_measured_kind_of_time() -> None:
    table = sections.latencies(passed())
    assert table.head == ("percentile", "from due", "from sent", "connect")
    assert table.rows[2] == ("p99", "6.12 ms", "6.12 ms", "6.12 ms")
    assert sections.latencies(passed(latency_ms={})).rows == ()


def test_rows_of_the_statistics_mark_failures() -> None:
    rows = [RowDocument("TCP", "login", 1200, 3, 9, {"p50": 1.0, "p99": 20.0}, {"p99": 2.0})]
    table = sections.by_row(rows)
    assert table.rows[0][:4] == ("login", "1,200", "3", "1 ms")
    assert table.rows[0][-1] == "2 ms"
    assert (table.marked, table.covers, table.note) == (["login"], "whole run", "")


def test_failures_over_time() -> None:
    reset = FailureDocument("reset", 1, ["message"], {30: 1}, "")
    full = FailureDocument("server-full", 179, ["connect", "reconnect"], {1: 70, 59: 109}, "ERR server full")
    first, second = sections.failures([reset, full], 60.0)
    assert (first.kind, first.rows, first.when, first.example) == (
        "server-full", "connect, reconnect", "1 to 59 s", "ERR server full"
    )  # fmt: skip
    assert second.when == "at 30 s"
    assert second.bars[30] == 1.0
    assert sections.failures([FailureDocument("tls", 1)], 0.0)[0].when == UNKNOWN


def test_one_failure_among_thousands_has_a_visible_bar() -> None:
    heights = sections.bars({1: 10_000, 40: 1, 99: 1}, 60.0)
    assert (heights[1], heights[2]) == (1.0, 0.0)
    assert min(heights[40], heights[59]) == 0.15


def test_counts_of_connections_and_messages() -> None:
    messages = {**passed()["messages"], "waiting": 1437, "oldest_waiting_s": 8.1}
    storm = {"time_utc": "2026-01-01T10:00:07Z", "dropped": 1000, "back": 999, "back_s": None}
    table = sections.counts(passed(messages=messages, storms=[storm], goodbyes={"begun": 20, "said": 18}))
    rows = dict(table.rows)
    assert rows["waiting at the stop"] == "1,437, the oldest for 8.1 s"
    assert rows["storm at 10:00:07 UTC"] == "1,000 dropped, 999 back"
    assert rows["goodbyes said, cut off"] == "18, 2"
    assert rows["connections failed"] == "none"


def test_cpu_and_memory_of_a_server_without_counters() -> None:
    table = sections.server(passed(server=USED))
    assert table.head == ("figure", "in this run")
    assert dict(table.rows)["CPU, mean"] == "25% of a core"


def test_counters_of_the_server() -> None:
    rows = dict(sections.server(passed()).rows)
    assert (rows["model"], rows["accepted"], rows["closed"], rows["cpu seconds"]) == (
        "select", "50", "50 client", "0.28 s"
    )  # fmt: skip
    assert sections.server(passed(server=None)).rows == []


def test_counters_of_many_processes_are_a_range() -> None:
    server = {"process_connections": {str(number): 40 + number for number in range(8)}, "loop_lag_seconds": 0.001}
    rows = dict(sections.server(passed(server=server)).rows)
    assert rows == {"process connections": "40 to 47 in 8 processes", "loop lag seconds": "1 ms"}


def test_counters_of_a_few_processes_are_in_their_order() -> None:
    server = {
        "process_replies_total": {"1": 1507, "0": 508},
        "process_closed_total": {"0/client": 9, "1/client": 8, "0/reset": 0, "1/reset": 0},
        "process_bytes_total": {"in/0": 1, "in/1": 2},
        "process_refused_total": {"0": 0, "1": 0},
    }
    assert dict(sections.server(passed(server=server)).rows) == {
        "process replies": "508 \u00b7 1,507",
        "process closed": "client 9 \u00b7 8",
        "process bytes": "in 1 \u00b7 2",
        "process refused": "none",
    }


def test_workers_are_numbered_and_lost_ones_marked() -> None:
    lost = {**WORKER, "lost": True, "cpu_share": None, "turns_s": None}
    table = sections.generator(passed(generator={"workers": [WORKER, lost], "limit": "closed loop"}))
    assert [row[:2] for row in table.rows] == [("worker 1", "running"), ("worker 2", "lost")]
    assert (table.marked, table.note) == (["worker 2"], "closed loop")


def test_settings_have_the_names_under_which_they_are_given() -> None:
    environment = {"settings": {"users": 5, "every_s": 10.0, "every": 10.0, "headless": True, "depth": 3}}
    assert sections.settings(environment, {}).rows == [("USERS", "5"), ("EVERY", "10"), ("DEPTH", "3")]


def test_environment_and_host() -> None:
    found = {"versions": {"locust": "2.47.0"}, "machine": {"cpus": 2, "load_average": [1, 2, 3.456]}}
    assert sections.environment(found).rows == [
        ("locust (version)", "2.47.0"),
        ("cpus", "2"),
        ("load average at the end", "1.00 2.00 3.46"),
    ]
    host = {"engine": "native", "git": "", "repeat": "make load", "images": {"server": "sha256:1"}}
    assert sections.host(host).rows == [("engine", "native"), ("images", "server sha256:1")]


def test_exceptions_of_the_scenario() -> None:
    error = {"count": 2, "type": "KeyError", "where": "hold.py:7", "message": "'x'"}
    assert sections.scenario_errors(passed(scenario_errors=[error])) == ["2 KeyError at hold.py:7: 'x'"]
