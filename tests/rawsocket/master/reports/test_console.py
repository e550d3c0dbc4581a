import dataclasses
import math

from lab.progress import PROGRESS_LINE
from rawsocket.master import figures
from rawsocket.master.reports import console
from rawsocket.master.run import Run, RunInfo
from tests.rawsocket.master.test_timeline import SAMPLE

HELD = dataclasses.replace(SAMPLE, held=800, messages_s=80.3, p99_ms=1.31)


def test_line_of_one_second() -> None:
    said = "held 800/800  connects 0.0/s  messages 80.3/s  p99 1.310 ms  failures 0  18 s left"
    assert console.line(HELD, 800, 18.2, 0) == said


def test_line_without_replies_after_the_end() -> None:
    line = console.line(dataclasses.replace(HELD, p99_ms=None), 800, -0.4, 7)
    assert "p99 -  failures 7  0 s left" in line


def test_table_ends_with_the_verdict_and_its_reasons() -> None:
    run = Run(RunInfo(workers=2), thresholds={"min_held": 5})
    lines = console.table(figures.document(run)).splitlines()
    at = lines.index("verdict: unknown (exit code 4)")
    assert lines[at + 1] == "  no worker came"
    assert any(line.startswith("min_held ") and line.endswith("not measured") for line in lines[:at])


def test_table_has_a_row_for_the_processes_of_the_server() -> None:
    run = Run(RunInfo(workers=2))
    assert "server's processes" not in console.table(figures.document(run))
    server = {"processes_wanted": 2, "process_accepted_total": {"0": 20, "1": 21}}
    rows = console.figures({**figures.document(run), "server": server})
    assert ("server's processes", "2 of 2 serving, 20 to 21 accepted each") in rows


def test_table_has_rows_for_goodbyes_and_for_pushes_that_were_not_kept() -> None:
    document = figures.document(Run(RunInfo(workers=2)))
    named = ("pushes not kept, too many unread", "goodbyes said / cut off")
    assert [row for row in console.figures(document) if row[0] in named] == []
    document["messages"]["unread_pushes"], document["goodbyes"] = 50, {"begun": 20, "said": 18}
    assert [row for row in console.figures(document) if row[0] in named] == [(named[0], "50"), (named[1], "18 / 2")]


def test_formats_of_numbers() -> None:
    assert [console.number(value) for value in (None, 800, 1.005)] == ["-", "800", "1.00"]
    assert console.named({}) == "0"
    assert console.named({"reset": 1, "closed": 20}) == "20 closed, 1 reset"
    assert console.shares([{"cpu_share": 0.034}, {"cpu_share": None}]) == "3%, -"
    lags = [{"lag_p99_ms": 2.04, "lag_max_ms": 31.6}, {"lag_p99_ms": None, "lag_max_ms": None}]
    assert console.lags(lags) == "2.0 / 32 ms, -"


def test_line_of_overdue_messages() -> None:
    assert console.waiting({"waiting": 0, "oldest_waiting_s": 0.0}) == "0"
    assert console.waiting({"waiting": 437, "oldest_waiting_s": 8.123}) == "437, the oldest for 8.123 s"


def test_milliseconds_keep_four_significant_digits() -> None:
    values = (None, 0.0, 0.037, 9.9994, 59.012, 997.86, 1900.54)
    said = ["-", "0.000", "0.037", "9.999", "59.01", "997.9", "1901"]
    assert [console.milliseconds(value) for value in values] == said


def test_latencies_have_one_column_per_kind() -> None:
    due = {"p50": 0.412, "p95": 1100.0, "p99": 1900.0, "p99_9": 1980.0, "max": 2000.0}
    sent = {"p50": 0.321, "p95": 0.4, "p99": 59.0, "p99_9": 2000.0, "max": 2000.0}
    rows = console.latencies({"connect": None, "from_sent": sent, "from_due": due, "first_byte": sent})
    assert rows[0] == ("latency, ms", "from due", "from sent", "to first byte", "connect")
    assert [row[0] for row in rows[1:]] == ["p50", "p95", "p99", "p99.9", "max"]
    assert rows[1][1:] == ("0.412", "0.321", "0.321", "-")
    assert rows[3][1:3] == ("1900", "59.00")


def test_console_aligns_the_columns_of_latencies() -> None:
    text = console.table(figures.document(Run(RunInfo(workers=2))))
    header, p50 = (next(line for line in text.splitlines() if line.startswith(name)) for name in ("latency, ms", "p50"))
    assert header.endswith("to first byte        connect")
    assert len(header) == len(p50)  # right-aligned under one another


def test_progress_line_under_a_load_shape_names_it() -> None:
    line = console.line(SAMPLE, 10, math.inf, 0)
    assert line.endswith("failures 0  by its load shape")
    assert PROGRESS_LINE.match(line)
