from typing import Any

from rawsocket.master.reports import ledger_table
from rawsocket.master.reports.ledger_table import HEADER, OUTCOMES
from rawsocket.measurement.report import Counts
from rawsocket.verdict.ledger import ServerSide, WireFormat, reconcile
from tests.support.counts import clients, server, unanswered

WIRE = WireFormat("line", 20, "echo")


def _document(ours: Counts, theirs: ServerSide, *lost: str) -> dict[str, Any]:
    return reconcile(ours, theirs, lost, WIRE).document()


def test_row_has_both_sides_their_difference_and_its_explanation() -> None:
    rows = ledger_table.both(_document(unanswered({"reset": 1, "client": 2}), server()))
    assert ("replies", "997", "1000", "-3", "1 reset, 2 client", "0") in rows
    assert ("messages", "1000", "1000", "0", "", "0") in rows
    assert {len(row) for row in rows} == {len(HEADER)}


def test_client_only_row_has_its_outcomes() -> None:
    rows = ledger_table.alone(_document(unanswered({"reset": 1, "client": 2}), server()))
    assert ("messages sent", "1000", "997 answered, 1 reset, 2 client", "0") in rows
    assert {len(row) for row in rows} == {len(OUTCOMES)}


def test_unknown_rows_have_question_marks() -> None:
    ledger = _document(clients(), server(), "worker a was lost")
    assert ("messages", "1000", "1000", "?", "", "?") in ledger_table.both(ledger)
    assert ledger_table.console(ledger)[:2] == ["Ledger: unknown", "  unknown: worker a was lost"]


def test_table_does_not_repeat_reasons_of_the_verdict() -> None:
    ledger = _document(clients(), server(), "worker a was lost", "worker b was lost")
    assert ledger_table.console(ledger, ["worker a was lost"])[1] == "  unknown: worker b was lost"
    assert not any("worker a" in line for line in ledger_table.console(ledger, ["worker a was lost"]))


def test_server_column_is_empty_without_a_server() -> None:
    assert ("messages", "1000", "-", "?", "", "?") in ledger_table.both(_document(clients(), ServerSide()))


def test_title_says_whether_both_sides_agree() -> None:
    assert ledger_table.title(_document(clients(), server())) == "Ledger: reconciled, nothing is unexplained"
    assert ledger_table.title(_document(clients(), server(messages_total=1))) == "Ledger: NOT reconciled"
    assert ledger_table.title(_document(clients(), ServerSide())) == "Ledger: in part unknown"


def test_console_aligns_the_columns() -> None:
    lines = ledger_table.console(_document(clients(), server(messages_total=997)))
    at = next(line for line in lines if line.startswith("messages  "))
    header = next(line for line in lines if line.startswith("what "))
    assert at.endswith("  3")
    assert [len(header) - len(header.split(name)[1]) for name in ("clients say", "server says")] == [
        at.index("1000") + 4,
        at.index("997") + 3,
    ]
