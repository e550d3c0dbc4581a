from rawsocket.master import figures
from rawsocket.master.reports import console
from rawsocket.master.run import Run, RunInfo


def test_table_has_figures_latencies_and_the_ledger_in_79_columns() -> None:
    document = figures.document(Run(RunInfo(workers=2)))
    document["connections"]["failed"] = dict.fromkeys(("refused", "reset", "server-full", "closed", "tls"), 10**6)
    lines = console.table(document).splitlines()
    assert max(map(len, lines)) <= 79
    assert [line for line in lines if line.startswith(("held, peak", "p99.9", "Ledger: "))] != []
    assert not any(line.startswith("verdict") for line in lines)


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
    header, p50 = (
        next(line for line in text.splitlines() if line.startswith(name)) for name in ("latency, ms", "p50 ")
    )
    assert header.endswith("to first byte  connect")
    assert len(header) == len(p50)  # right-aligned under one another
