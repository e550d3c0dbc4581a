"""The bounds of each row: the allowed differences between clients and server, and their names."""

from typing import Any

import pytest

from rawsocket import errors
from rawsocket.engine import accounting
from rawsocket.verdict.ledger import OK, UNEXPLAINED, LedgerRow, reconcile
from rawsocket.verdict.ledger_rows import EVENTS, LAST_SEND, Moment, WireFormat, explain, summed
from tests.support.counts import WIRE, clients, judged, row, server, unanswered

SYNC = {"model": "sync", "framing": "line"}
# Two of three processes were killed, and one of them has been replaced.
KILLED = {"closed_total": {"client": 95, "lost": 5}, "respawns_total": 1, "processes": 2, "processes_wanted": 3}


def test_events_include_every_failure_and_the_clients_close() -> None:
    assert set(errors.NAMES) <= set(EVENTS)
    assert accounting.CLIENT in EVENTS


def test_explanation_never_exceeds_its_bounds() -> None:
    assert explain(10, [("reset", 3), ("client", 4)]) == ({"reset": 3, "client": 4}, 3)
    assert explain(5, [("reset", 3), ("client", 4)]) == ({"reset": 3, "client": 2}, 0)
    assert explain(0, [("reset", 3)]) == ({}, 0)


def test_unknown_event_explains_nothing() -> None:
    assert summed([("reset", 2), ("gremlins", 3), ("reset", 1), ("closed", 0)]) == {"reset": 3}
    assert judged("messages", unanswered({"gremlins": 5}), server(messages_total=995))[1:] == (5, UNEXPLAINED)
    assert judged("messages sent", unanswered({"gremlins": 5}), server())[1:] == (5, UNEXPLAINED)


def test_clients_of_a_drill_explain_what_only_the_server_has_counted() -> None:
    theirs = server(messages_total=1007)
    (found,) = [
        row for row in reconcile(clients(), theirs, wire=WIRE, drill={"messages": 5}).rows if row.what == "messages"
    ]
    assert (dict(found.explained), found.unexplained) == ({"drill": 5}, 2)
    fewer = server(messages_total=993)
    (found,) = [
        row for row in reconcile(clients(), fewer, wire=WIRE, drill={"messages": 9}).rows if row.what == "messages"
    ]
    assert (dict(found.explained), found.unexplained) == ({}, 7)


# Connections


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        ({}, {}, ({}, 0, OK)),
        # Never accepted: at most as many as received no byte from the server.
        ({"unproven": 12}, {"accepted_total": 90}, ({"backlog": 10}, 0, OK)),
        ({"unproven": 8}, {"accepted_total": 90}, ({"backlog": 8}, 2, UNEXPLAINED)),
        # Accepted after the client had given up.
        ({"abandoned": 2, "failed": {"connect-timeout": 3}}, {"accepted_total": 104},
         ({"abandoned": 2, "connect-timeout": 2}, 0, OK)),
        # Accepted, and then its TLS handshake failed.
        ({"failed": {"tls": 3}}, {"accepted_total": 102}, ({"tls": 2}, 0, OK)),
        ({"failed": {"reset": 1}}, {"accepted_total": 102}, ({"reset": 1}, 1, UNEXPLAINED)),
        # In the backlog since before the run.
        ({}, {"accepted_total": 102, "waiting_before": 2}, ({"earlier": 2}, 0, OK)),
        # A refused connection was opened as well.
        ({"failed": {"server-full": 7}}, {"refused_total": 7}, ({}, 0, OK)),
        ({}, {"accepted_total": 101}, ({}, 1, UNEXPLAINED)),
    ],
)  # fmt: skip
def test_connections_opened(ours: dict[str, Any], theirs: dict[str, Any], wanted: tuple[Any, ...]) -> None:
    assert judged("connections opened", clients(**ours), server(**theirs)) == wanted


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        ({"failed": {"server-full": 3}}, {"refused_total": 3}, ({}, 0, OK)),
        ({"dropped": {"server-full": 3}}, {"refused_total": 3}, ({}, 0, OK)),
        ({"unproven": 1, "abandoned": 1}, {"refused_total": 2}, ({"backlog": 1, "abandoned": 1}, 0, OK)),
        ({}, {"refused_total": 1}, ({}, 1, UNEXPLAINED)),
        # The clients read the line, but the server counts none.
        ({"failed": {"server-full": 3}, "unproven": 9}, {"refused_total": 2}, ({}, 1, UNEXPLAINED)),
    ],
)
def test_connections_refused(ours: dict[str, Any], theirs: dict[str, Any], wanted: tuple[Any, ...]) -> None:
    assert judged("connections refused", clients(**ours), server(**theirs)) == wanted


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        ({"closed": 90, "dropped": {"reset": 10}}, {}, ({}, 0, OK)),
        # Not accepted, so not counted as closed either.
        ({"unproven": 40}, {"accepted_total": 90, "closed_total": {"client": 90}}, ({"backlog": 10}, 0, OK)),
        # Accepted and not counted as closed: a client without received bytes does not explain it.
        ({"unproven": 40}, {"closed_total": {"client": 90}, "connections": 10}, ({}, 10, UNEXPLAINED)),
        ({}, {"closed_total": {"client": 104}, "held_before": 3, "waiting_before": 1}, ({"earlier": 4}, 0, OK)),
        ({"abandoned": 1}, {"accepted_total": 101, "closed_total": {"client": 101}}, ({"abandoned": 1}, 0, OK)),
    ],
)
def test_connections_closed(ours: dict[str, Any], theirs: dict[str, Any], wanted: tuple[Any, ...]) -> None:
    assert judged("connections closed", clients(**ours), server(**theirs)) == wanted


def test_held_at_the_end() -> None:
    assert judged("held at the end", clients(), server(connections=3, held_before=3)) == ({"earlier": 3}, 0, OK)
    assert judged("held at the end", clients(), server(connections=4, held_before=3))[1:] == (1, UNEXPLAINED)
    assert judged("held at the end", clients(closed=98, held_now=2), server())[1:] == (2, UNEXPLAINED)


def test_connections_in_the_backlog_have_their_own_row() -> None:
    ours, theirs = clients(unproven=12), server(at_stop=Moment(13, 1, 12))
    assert judged("held when stop was asked", ours, theirs) == ({"backlog": 12}, 0, OK)
    assert row("in the backlog then", ours, theirs) == LedgerRow("in the backlog then", 12, 12, 0, {}, 0, OK)


def test_connections_that_leave_the_backlog_during_the_stop_count_in_it() -> None:
    """Prefork serves the next connections when the first ones close: two have had a reply since then."""
    ours, theirs = clients(unproven=10), server(at_stop=Moment(20, 8, 12))
    assert judged("held when stop was asked", ours, theirs) == ({"backlog": 12}, 0, OK)
    assert judged("held when stop was asked", ours, server(at_stop=Moment(20, 8)))[1:] == (2, UNEXPLAINED)


def test_backlog_row_allows_for_a_full_backlog_and_abandoned_connections() -> None:
    ours = clients(unproven=12, abandoned=2)
    assert judged("in the backlog then", ours, server(at_stop=Moment(13, 1, 11))) == ({"backlog": 1}, 0, OK)
    assert judged("in the backlog then", ours, server(at_stop=Moment(3, 1, 4))) == ({"backlog": 2}, 0, OK)
    assert judged("in the backlog then", clients(), server(at_stop=Moment(1, 1, 1)))[1:] == (1, UNEXPLAINED)


def test_backlog_row_needs_a_backlog_above_zero() -> None:
    for moment in (Moment(13, 1), Moment(13, 13, 0)):
        ledger = reconcile(clients(unproven=12), server(at_stop=moment), wire=WIRE)
        assert "in the backlog then" not in [row.what for row in ledger.rows]
        assert ledger.reconciled


def test_held_row_allows_for_a_server_that_is_behind() -> None:
    ours = clients(dropped={"reset": 2}, closed=98)
    assert judged("held when stop was asked", ours, server(at_stop=Moment(5, 8, 0))) == ({"closing": 3}, 0, OK)
    assert judged("held when stop was asked", ours, server(at_stop=Moment(5, 3, 0))) == ({"reset": 2}, 0, OK)
    assert judged("held when stop was asked", ours, server(at_stop=Moment(5, 2, 0)))[1:] == (1, UNEXPLAINED)


def test_connections_of_a_killed_server_process_count_as_closed_on_both_sides() -> None:
    """The clients see them reset or closed, with messages in flight; the process had not accepted two of them."""
    ours = unanswered({"reset": 3, "closed": 1}, dropped={"reset": 4, "closed": 3}, closed=93, unproven=2)
    theirs = server(accepted_total=98, messages_total=998, replies_total=998, bytes_in=20_958, bytes_out=20_958,
                    **{**KILLED, "closed_total": {"client": 93, "lost": 5}})  # fmt: skip
    ledger = reconcile(ours, theirs, wire=WIRE)
    assert ledger.reconciled, ledger.failures
    explained = {row.what: dict(row.explained) for row in ledger.rows[4:] if row.explained}
    assert explained == {
        "connections opened": {"backlog": 2},
        "connections closed": {"backlog": 2},
        "messages": {"reset": 2},
        "replies": {"reset": 2},
        "bytes to the server": {"reset": 42},
        "bytes from the server": {"reset": 42},
    }


# Messages


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        (unanswered({"reset": 3, "client": 4}), {"messages_total": 1000}, ({}, 0, OK)),
        (unanswered({"reset": 3, "client": 4}), {"messages_total": 995}, ({"reset": 3, "client": 2}, 0, OK)),
        (unanswered({"reset": 3}), {"messages_total": 996}, ({"reset": 3}, 1, UNEXPLAINED)),
        # A message that was cut can't arrive complete; it is one of the unanswered.
        (unanswered({"send-timeout": 2}, cut=2), {"messages_total": 998}, ({"cut": 2}, 0, OK)),
        (unanswered({"send-timeout": 2}, cut=2), {"messages_total": 999}, ({"cut": 2}, 1, UNEXPLAINED)),
        (unanswered({"send-timeout": 2}, cut=2), {"messages_total": 997}, ({"cut": 2}, 1, UNEXPLAINED)),
        (unanswered({"send-timeout": 2}, cut=2), {"messages_total": 999, "info": SYNC}, ({"send-timeout": 1}, 0, OK)),
        # The reply was an error line: too long, or not complete in time.
        (clients(answered=999, wrong=1, dropped={"wrong": 1}), {"messages_total": 999}, ({"wrong": 1}, 0, OK)),
        # A one-way message that the server had not read when its connection ended is not in the server's count.
        (clients(answered=900, oneway=100), {}, ({}, 0, OK)),
        (clients(answered=900, oneway=100), {"messages_total": 997}, ({"oneway": 3}, 0, OK)),
        (clients(answered=998, oneway=2), {"messages_total": 997}, ({"oneway": 2}, 1, UNEXPLAINED)),
        (clients(), {"messages_total": 1001}, ({}, 1, UNEXPLAINED)),
    ],
)
def test_messages(ours: dict[str, Any], theirs: dict[str, Any], wanted: tuple[Any, ...]) -> None:
    assert judged("messages", ours, server(**theirs)) == wanted


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        (unanswered({"reply-timeout": 3}), {}, ({"reply-timeout": 3}, 0, OK)),
        (unanswered({"reply-timeout": 3}), {"replies_total": 997}, ({}, 0, OK)),
        (unanswered({"reply-timeout": 3}), {"replies_total": 996}, ({}, 1, UNEXPLAINED)),
        (unanswered({"reply-timeout": 3}), {"replies_total": 1001}, ({"reply-timeout": 3}, 1, UNEXPLAINED)),
        # A message that was cut gets no reply.
        (unanswered({"send-timeout": 1}, cut=1), {}, ({}, 1, UNEXPLAINED)),
        # The server counts a wrong reply as a reply, unless it was an error line.
        (clients(answered=998, wrong=2, dropped={"wrong": 2}), {}, ({}, 0, OK)),
        (clients(answered=998, wrong=2, dropped={"wrong": 2}), {"replies_total": 998}, ({"wrong": 2}, 0, OK)),
        (clients(answered=998, wrong=2, dropped={"short": 2}), {"replies_total": 998}, ({}, 2, UNEXPLAINED)),
        # A server may answer one-way messages, too.
        (clients(answered=900, oneway=100), {}, ({"oneway": 100}, 0, OK)),
        (clients(answered=900, oneway=100), {"replies_total": 900}, ({}, 0, OK)),
        # Some servers count pushed messages, some don't.
        (clients(pushed=5), {"replies_total": 1005}, ({"pushed": 5}, 0, OK)),
        (clients(pushed=5), {}, ({}, 0, OK)),
    ],
)
def test_replies(ours: dict[str, Any], theirs: dict[str, Any], wanted: tuple[Any, ...]) -> None:
    assert judged("replies", ours, server(**theirs)) == wanted


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        # A duplicate without a message in flight: the server counts one reply for each message.
        (clients(dropped={"wrong": 2}, closed=98), {}, ({}, 2, UNEXPLAINED)),
        (clients(answered=999, wrong=1, dropped={"wrong": 2, "short": 1}, closed=97), {}, ({}, 2, UNEXPLAINED)),
        (clients(pushed=5), {}, ({"pushed": 5}, 0, OK)),
        (clients(pushed=5), {"replies_total": 1005}, ({}, 0, OK)),
        (clients(pushed=5), {"replies_total": 1009}, ({}, None, "unknown")),
    ],
)
def test_unrequested_replies(ours: dict[str, Any], theirs: dict[str, Any], wanted: tuple[Any, ...]) -> None:
    assert judged("sent unasked", ours, server(**theirs)) == wanted


@pytest.mark.parametrize(
    ("wire", "info"),
    [(WireFormat("chunk", 20), {}), (WIRE, {"framing": "chunk"}), (WireFormat("lengthprefixed"), {"framing": "line"})],
)
def test_message_counts_of_different_framings_are_not_compared(wire: WireFormat, info: dict[str, str]) -> None:
    ledger = reconcile(clients(), server(messages_total=4000, info=info), wire=wire)
    assert [row.what for row in ledger.rows if row.status == "unknown"] == ["messages", "replies"]
    assert len(ledger.unknown) == 1
    assert ledger.reconciled is None
    assert (ledger.failures, ledger.doubts) == ((), ())


def test_custom_framing_is_compared_if_the_server_reports_none() -> None:
    assert reconcile(clients(), server(), wire=WireFormat("lengthprefixed")).reconciled


# Bytes


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        # All messages were answered, so the server has read every byte.
        (clients(), {"bytes_in": 20_999}, ({}, 1, UNEXPLAINED)),
        (unanswered({"reset": 2}), {"bytes_in": 21_000 - 42}, ({"reset": 42}, 0, OK)),
        (unanswered({"reset": 2}), {"bytes_in": 21_000 - 43}, ({"reset": 42}, 1, UNEXPLAINED)),
        (clients(), {"bytes_in": 21_001}, ({}, 1, UNEXPLAINED)),
        # The kernel took only half of a message.
        (
            unanswered({"send-timeout": 1}, cut=1, bytes_sent=20_990),
            {"bytes_in": 20_980},
            ({"send-timeout": 10}, 0, OK),
        ),
    ],
)
def test_bytes_to_the_server(ours: dict[str, Any], theirs: dict[str, Any], wanted: tuple[Any, ...]) -> None:
    assert judged("bytes to the server", ours, server(**theirs)) == wanted


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        (clients(), {"bytes_out": 21_001}, ({}, 1, UNEXPLAINED)),
        (clients(), {"bytes_out": 20_979}, ({}, 21, UNEXPLAINED)),
        (unanswered({"reply-timeout": 2}), {}, ({"reply-timeout": 42}, 0, OK)),
        (unanswered({"reply-timeout": 2}), {"bytes_out": 21_001}, ({"reply-timeout": 42}, 1, UNEXPLAINED)),
        # The server does not count the line of a refusal; the clients read each line that it sent.
        (clients(failed={"server-full": 2}, bytes_received=21_032), {}, ({"server-full": 32}, 0, OK)),
        (clients(failed={"server-full": 2}, bytes_received=21_031), {}, ({"server-full": 32}, 1, UNEXPLAINED)),
        # A process was killed between a send and its count: at most one send for each killed process.
        (clients(dropped={"reset": 5}, closed=95), {"bytes_out": 20_979, **KILLED}, ({"lost": 21}, 0, OK)),
        (clients(bytes_received=18_001 + 2 * LAST_SEND), {"bytes_out": 18_000, **KILLED},
         ({"lost": 2 * LAST_SEND}, 1, UNEXPLAINED)),
        (clients(), {"bytes_out": 20_979, "closed_total": {"client": 100}, "respawns_total": 1}, ({}, 21, UNEXPLAINED)),
        # A truncated reply.
        (clients(answered=999, wrong=1, dropped={"short": 1}, bytes_received=20_990), {}, ({"short": 10}, 0, OK)),
    ],
)  # fmt: skip
def test_bytes_from_the_server(ours: dict[str, Any], theirs: dict[str, Any], wanted: tuple[Any, ...]) -> None:
    assert judged("bytes from the server", ours, server(**theirs)) == wanted


def test_bound_of_short_messages_allows_for_a_greeting_and_an_error_line() -> None:
    ours = unanswered({"client": 1}, bytes_sent=2000, bytes_received=2000)
    theirs = server(bytes_in=2000, bytes_out=2021)
    assert judged("bytes from the server", ours, theirs, WireFormat("line", 1, "echo")) == ({"client": 21}, 0, OK)
    assert judged("bytes from the server", ours, theirs, WireFormat("line", 1, "hello")) == ({"client": 21}, 0, OK)


@pytest.mark.parametrize("wire", [WireFormat("line"), WireFormat("line", 40)])
def test_bytes_of_messages_with_unknown_size_have_no_upper_bound(wire: WireFormat) -> None:
    ours = unanswered({"client": 1})
    assert row("bytes from the server", ours, server(), wire).status == "unknown"
    assert row("bytes to the server", ours, server(), wire).status == OK  # no difference: nothing to explain
    # More bytes than were sent are never explained.
    assert row("bytes to the server", ours, server(bytes_in=21_001), wire).status == UNEXPLAINED


def test_bytes_that_the_sync_model_leaves_unread_are_unknown() -> None:
    ledger = reconcile(clients(), server(bytes_in=10_000, info=SYNC), wire=WIRE)
    assert [row.what for row in ledger.rows if row.status == "unknown"] == ["bytes to the server"]


def test_unread_pushed_bytes_are_unknown() -> None:
    found = row("bytes from the server", clients(pushed=1), server(bytes_out=21_500))
    assert found.status == "unknown"
    assert row("bytes from the server", clients(pushed=1), server()).status == OK
