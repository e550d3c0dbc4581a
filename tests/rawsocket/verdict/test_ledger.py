"""Comparison of both sides and its effect on the verdict; real runs against a faulty server name its fault."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rawsocket.verdict.judge import Figures, judge
from rawsocket.verdict.ledger import EVENTS, NO_COUNTERS, Ledger, LedgerRow, ServerSide, WireFormat, reconcile
from rawsocket.verdict.saturation import WorkerFigures
from tests.support.busy_machine import MachineTooBusy, demand_pass, retry_on_busy_machine
from tests.support.counts import clients, server, unanswered
from tests.support.faulty_server import running_faulty_server
from tests.support.locust_fleet import LocustFleet, locust_fleet

WIRE = WireFormat("line", 20, "echo")
THRESHOLDS = {"min_held": 2, "max_failures": 0, "max_p99_ms": 1000.0}
PASSED = Figures(
    attempted=9, steady_s=5.0, held_min=2, p99_ms=1.0, workers_wanted=1, workers=(WorkerFigures("a", cpu_share=0.1),)
)
FAILED = replace(PASSED, held_min=1)
DOUBTED = replace(PASSED, steady_s=0.0)
CUT_SHORT = replace(PASSED, interrupted=True)
MET = "steady for 5 s, no failures, p99 latency 1 ms"
MISSED = "min_held: 1 connection held; at least 2 were demanded"
NO_WINDOW = "no steady window: the run ended before 2 s after its ramp had passed; give it more TIME"
INTERRUPTED = "the run was interrupted before its end"
ROWS = [
    *("connects begun", "connections made", "messages due", "messages sent"),
    *("connections opened", "connections refused", "connections closed", "held at the end"),
    *("messages", "replies", "bytes to the server", "bytes from the server"),
]


def test_equal_counts_are_reconciled() -> None:
    ledger = reconcile(clients(), server(), wire=WIRE)
    assert ledger.reconciled is True
    assert (ledger.unknown, ledger.doubts, ledger.failures) == ((), (), ())
    assert [row.what for row in ledger.rows] == ROWS
    assert {(row.unexplained, row.status) for row in ledger.rows} == {(0, "ok")}


def test_document_of_a_row() -> None:
    ledger = reconcile(unanswered({"reply-timeout": 2}), server(), wire=WIRE)
    document = ledger.document([{"id": "a"}])
    assert list(document) == ["reconciled", "rows", "events", "unknown", "workers"]
    assert document["rows"][ROWS.index("replies")] == {
        "what": "replies",
        "clients": 998,
        "server": 1000,
        "difference": -2,
        "explained": {"reply-timeout": 2},
        "unexplained": 0,
        "status": "ok",
    }
    assert document["events"] == list(EVENTS)
    assert document["workers"] == [{"id": "a"}]


def test_reason_of_an_unexplained_row_has_its_name_and_number() -> None:
    ledger = reconcile(clients(), server(messages_total=997), wire=WIRE)
    assert ledger.reconciled is False
    assert ledger.failures == ("ledger, messages: 3 unexplained (the clients count 1000, the server 997)",)


def test_gap_in_the_counts_of_the_clients_is_unexplained() -> None:
    ledger = reconcile(clients(answered=998), server(replies_total=998), wire=WIRE)
    assert "ledger, messages sent: 2 of 1000 are unaccounted for" in ledger.failures


def test_target_without_counters_leaves_only_the_client_side_and_no_doubt() -> None:
    ledger = reconcile(clients(), ServerSide(), wire=WIRE)
    assert ledger.reconciled is None
    assert (ledger.unknown, ledger.doubts, ledger.failures) == ((NO_COUNTERS,), (), ())
    assert ledger.rows[0] == LedgerRow("connects begun", 100, None, None, {"connected": 100}, 0, "ok")
    assert ledger.rows[-1] == LedgerRow("bytes from the server", 21_000)


def test_unavailable_counters_are_a_doubt() -> None:
    ledger = reconcile(clients(), ServerSide(trouble="it was restarted"), wire=WIRE)
    assert (ledger.reconciled, ledger.unknown, ledger.doubts) == (None, ("it was restarted",), ("it was restarted",))


def test_lost_worker_makes_every_row_unknown() -> None:
    ledger = reconcile(clients(answered=990), server(messages_total=5000), ["worker a was lost"], WIRE)
    assert {row.status for row in ledger.rows} == {"unknown"}
    assert {row.unexplained for row in ledger.rows} == {None}
    assert (ledger.unknown, ledger.doubts, ledger.failures) == (("worker a was lost",), (), ())
    assert ledger.rows[-1].server == 21_000  # said all the same


def test_row_of_a_missing_counter_is_unknown() -> None:
    theirs = server()
    assert theirs.grown
    grown = {name: value for name, value in theirs.grown.items() if name != "replies_total"}
    ledger = reconcile(clients(), ServerSide(grown), wire=WIRE)
    assert [row.what for row in ledger.rows if row.status == "unknown"] == ["replies"]
    assert (ledger.reconciled, ledger.unknown) == (None, ("replies: the server has no counter for it",))


GOOD = reconcile(clients(), server(), wire=WIRE)
BAD = Ledger((LedgerRow("messages", 10, 9, 1, {}, 1, "unexplained"),))
REASON = BAD.failures[0]
DOUBTFUL = Ledger(doubts=("the server was restarted",))


@pytest.mark.parametrize(
    ("figures", "ledger", "wanted"),
    [
        (PASSED, GOOD, ("pass", 0, [MET])),
        (FAILED, GOOD, ("fail", 3, [MISSED])),
        # An unexplained row fails a run, despite other doubts.
        (PASSED, BAD, ("fail", 3, [REASON])),
        (FAILED, BAD, ("fail", 3, [MISSED, REASON])),
        (DOUBTED, BAD, ("fail", 3, [REASON, NO_WINDOW])),
        (CUT_SHORT, BAD, ("unknown", 130, [INTERRUPTED, REASON])),
        # A doubt turns a pass into unknown; a failed run stays failed.
        (PASSED, DOUBTFUL, ("unknown", 4, ["the server was restarted"])),
        (FAILED, DOUBTFUL, ("fail", 3, [MISSED, "the server was restarted"])),
        (DOUBTED, DOUBTFUL, ("unknown", 4, [NO_WINDOW, "the server was restarted"])),
        (CUT_SHORT, DOUBTFUL, ("unknown", 130, [INTERRUPTED, "the server was restarted"])),
    ],
)
def test_verdict_from_figures_and_ledger(figures: Figures, ledger: Ledger, wanted: tuple[Any, ...]) -> None:
    judged = judge(figures, THRESHOLDS, ledger)
    assert (judged.verdict, judged.exit_code, list(judged.reasons)) == wanted


# A faulty server. 8 clients in a closed loop get some 3,000 messages a second from it; one reply in 1,000 is faulty.

EVERY = 1000
RUN = {"HEADLESS": "true", "SCENARIO": "closed", "USERS": 8, "RATE": 8, "TIME": "8s", "TIMEOUT": 2}
RUN |= {"WORKERS": 1, "MAX_P99_MS": 0}


def _run_against(folder: Path, fault: str) -> dict[str, Any]:
    """Return verdict.json of a run against a server with this fault; a delayed reply arrives 1 s after the timeout."""
    with (
        running_faulty_server(fault, EVERY, delay=3.0) as faulty_server,
        locust_fleet(folder, faulty_server, workers=1, **RUN, VERBOSE="yes") as fleet,  # type: ignore[arg-type]
    ):
        code = fleet.exit_code()
        verdict = fleet.verdict()
        assert verdict["exit_code"] == code, fleet.err()[-4000:]
        _assert_reports_show(fleet, verdict)
    if verdict["server"]["replies_total"] <= 3 * EVERY:  # a tenth of the replies on a slow machine
        raise MachineTooBusy("too few messages for a fault to be injected")
    return verdict


def _assert_reports_show(fleet: LocustFleet, verdict: dict[str, Any]) -> None:
    """Check that each row is on the console, in the summary and in the report."""
    places = [fleet.out(), *((fleet.runs / name).read_text() for name in ("summary.md", "report.html"))]
    for row in verdict["ledger"]["rows"]:
        assert all(row["what"] in place for place in places), row


def _row(verdict: dict[str, Any], what: str) -> dict[str, Any]:
    (row,) = [row for row in verdict["ledger"]["rows"] if row["what"] == what]
    return row


@retry_on_busy_machine
def test_run_against_a_server_without_fault_is_reconciled(tmp_path: Path) -> None:
    verdict = _run_against(tmp_path, "no-fault")
    demand_pass(verdict)
    assert verdict["ledger"]["reconciled"] is True
    assert {row["unexplained"] for row in verdict["ledger"]["rows"]} == {0}
    assert _row(verdict, "connections made")["explained"] == {"client": 8}


@retry_on_busy_machine
@pytest.mark.parametrize(
    ("fault", "name", "each"),
    [("drop", "reply-timeout", 1), ("duplicate", "wrong", 1), ("swap", "wrong", 2), ("truncate", "short", 1),
     ("break-off", "reply-timeout", 1), ("delay", "reply-timeout", 1)],
)  # fmt: skip
def test_ledger_names_the_fault_of_a_server(tmp_path: Path, fault: str, name: str, each: int) -> None:
    verdict = _run_against(tmp_path, fault)
    # On a busy machine a missed threshold becomes a doubt; a wrong reply never does.
    doubted = name == "reply-timeout" and any("the generator was saturated" in reason for reason in verdict["reasons"])
    assert verdict["verdict"] == ("unknown" if doubted else "fail"), verdict["reasons"]
    injected = each * (verdict["server"]["replies_total"] // EVERY)
    # No other fault is found, and only faults just before the end of the run are missed.
    found = _row(verdict, "connections made")["explained"]
    assert found.keys() <= {"client", name}
    assert injected - 8 <= found[name] <= injected
    assert verdict["connections"]["dropped"] == {name: found[name]}
    _assert_rows_show(verdict, fault, name, found[name])


def _assert_rows_show(verdict: dict[str, Any], fault: str, name: str, found: int) -> None:
    """Check that the rows show the effect of the fault."""
    sent, replies = _row(verdict, "messages sent")["explained"], _row(verdict, "replies")
    received = _row(verdict, "bytes from the server")
    if fault == "duplicate":
        # Each message had its right reply; the server sent more than it counts.
        unasked = _row(verdict, "sent unasked")
        assert sent.keys() <= {"answered", "client"}
        assert (unasked["clients"], unasked["server"], unasked["unexplained"]) == (found, 0, found)
        assert any(reason.startswith("ledger, sent unasked: ") for reason in verdict["reasons"])
        assert verdict["ledger"]["reconciled"] is False
        return
    assert sent[name] == found
    assert verdict["ledger"]["reconciled"] is True
    if name == "reply-timeout":
        assert replies["explained"][name] == found  # the server counts them as sent
        assert received["explained"][name] > 0
    if fault == "truncate":
        assert received["explained"][name] == 10 * found  # 21 bytes became 11
