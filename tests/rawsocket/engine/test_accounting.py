from typing import Any

import pytest

from rawsocket.engine.accounting import ANSWERED, CLIENT, HEARD, RETRY, SETTLED, Accounting
from rawsocket.errors import Closed, RawSocketError, Refused, ReplyTimeout, ServerFull, Short, TlsFailed, Wrong
from rawsocket.measurement.recorder import Recorder
from rawsocket.measurement.stats_rows import Times

TIMES = (0.3, 0.2, 0.1)


class Account:
    """A connection with its accounting; keeps the events."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.events: list[tuple[str, str]] = []
        self.listener = self.owner = self
        self.accounting = Accounting(self.recorder, self.recorder.rows, self)
        self.flags = 0
        self.connected_at = self.connect_seconds = 0.0
        self.connection_id = 0

    def open(self) -> None:
        self.flags &= ~(SETTLED | HEARD)
        self.accounting.opened(self, 1.0, 1.5)

    def lost(self, *loss: Any, cut: bool = False) -> None:
        self.accounting.lost(self, *loss, cut)

    def event(self, owner: Any, row: str, seconds: float | None, length: int, failure: RawSocketError | None) -> None:
        assert owner is self
        self.events.append((row, failure.name if failure else "ok"))

    def check(self) -> None:
        made = self.recorder
        assert made.attempted == made.connected + sum(made.failed.values())
        assert made.connected == sum(made.dropped.values()) + made.closed
        assert made.unanswered == sum(made.unanswered_by.values())
        assert made.held == 0


@pytest.fixture
def account() -> Account:
    made = Account()
    made.open()
    assert made.recorder.held == 0  # it may still be refused
    assert made.recorder.attempted == 0
    return made


def test_connection_that_a_full_server_refuses_is_never_held(account: Account):
    account.lost(ServerFull(), [], None)
    account.check()
    account.open()
    account.accounting.settle(account)
    assert account.recorder.held == 1
    account.accounting.closed(account, 0, False)
    account.check()


def test_first_failed_connect_is_an_example_of_why():
    account = Account()
    for detail in ("db:1: the name is not resolved yet", "db:1: the name can't be resolved", "later"):
        account.accounting.not_opened(account, 0.5, Refused(detail))
    assert account.recorder.examples == {"refused": "db:1: the name can't be resolved"}


def test_handshake_has_a_row_and_the_connect_only_tcps_time():
    account = Account()
    account.accounting.opened(account, 1.0, 1.75, 1.25)
    account.accounting.settle(account)
    assert account.events == [("tls", "ok"), ("connect", "ok")]
    rows = account.recorder.rows
    assert (rows["tls"].full[0][0], rows["connect"].full[0][0]) == (0.5, 0.25)


def test_failed_handshake_fails_the_attempt_but_not_the_row_of_the_connect():
    account = Account()
    account.accounting.not_secured(account, 1.0, 1.25, TlsFailed("why"))
    assert account.events == [("connect", "ok"), ("tls", "tls")]
    assert (account.recorder.failed, account.recorder.failures) == ({"tls": 1}, 1)
    assert account.recorder.rows["connect"].full == [(0.25, 0.25, 0.25)]
    assert account.recorder.examples == {"tls": "why"}
    account.check()


def test_tls_that_fails_before_the_connection_has_settled_fails_the_attempt(account: Account):
    account.lost(TlsFailed("why"), [("message", TIMES)], None)
    assert account.events == [("connect", "tls"), ("message", "tls")]
    assert (account.recorder.failed, account.recorder.dropped) == ({"tls": 1}, {})
    account.check()


def test_tls_that_fails_later_is_a_drop(account: Account):
    account.accounting.settle(account)
    account.lost(TlsFailed("why"), [], None)
    assert account.events == [("connect", "ok"), ("drop", "tls")]
    assert (account.recorder.failed, account.recorder.dropped) == ({}, {"tls": 1})
    account.check()


def test_failed_attempt_counts_no_connection():
    account = Account()
    account.accounting.not_opened(account, 0.5, Refused())
    assert account.events == [("connect", "refused")]
    assert account.recorder.failed == {"refused": 1}
    account.check()


@pytest.mark.parametrize("row", ["connect", "reconnect"])
def test_connection_settles_once(account: Account, row: str):
    account.flags = RETRY if row == "reconnect" else 0
    account.accounting.settle(account)
    account.accounting.settle(account)
    assert account.events == [(row, "ok")]
    assert (account.recorder.connected, account.recorder.reconnects) == (1, row == "reconnect")


def test_first_wrong_reply_of_a_run_is_logged_and_kept(account: Account, caplog: pytest.LogCaptureFixture):
    for detail in ("ERR message too long", "something else"):
        account.lost(Wrong(detail), [("message", TIMES)], None)
        account.open()
    account.lost(ReplyTimeout("0 bytes had come"), [("message", TIMES)], None)
    assert account.recorder.examples == {"wrong": "ERR message too long"}
    assert [record.getMessage() for record in caplog.records] == [
        "the first reply of this run that was wrong: ERR message too long"
    ]
    account.check()


def test_close_settles_the_connection_and_leaves_messages_unanswered(account: Account):
    account.recorder.sent = 3
    account.accounting.closed(account, 3, cut=True)
    assert account.events == [("connect", "ok")]
    assert (account.recorder.unanswered_by, account.recorder.cut) == ({CLIENT: 3}, 1)
    account.check()


def test_loss_counts_in_the_rows_of_messages_in_flight(account: Account):
    account.lost(ReplyTimeout(), [("a", TIMES), ("b", TIMES)], None)
    assert account.events == [("connect", "ok"), ("a", "reply-timeout"), ("b", "reply-timeout")]
    assert account.recorder.unanswered_by == {"reply-timeout": 2}
    assert account.recorder.dropped == {"reply-timeout": 1}
    account.check()


def test_bad_reply_is_wrong_and_later_messages_are_unanswered(account: Account):
    account.lost(Short(), [("a", TIMES), ("b", TIMES)], None)
    assert (account.recorder.wrong, account.recorder.unanswered_by) == (1, {"short": 1})
    account.check()


def test_loss_without_messages_in_flight_is_a_drop(account: Account):
    account.lost(Closed(), [], None)
    assert account.events == [("connect", "ok"), ("drop", "closed")]
    account.check()


def test_loss_during_a_receive_counts_in_its_row(account: Account):
    account.lost(Closed(), [], ("news", TIMES))
    assert account.events == [("connect", "ok"), ("news", "closed")]
    assert account.recorder.unanswered == 0
    account.check()


@pytest.mark.parametrize("in_flight", [[], [("a", TIMES)]])
def test_refusal_before_settling_is_a_failed_attempt(account: Account, in_flight: list[tuple[str, Times]]):
    account.lost(ServerFull(), in_flight, None)
    assert account.events == [("connect", "server-full"), *(("a", "server-full") for _ in in_flight)]
    assert account.recorder.failed == {"server-full": 1}
    assert account.recorder.dropped == {}
    account.check()


def test_refusal_after_settling_is_a_drop(account: Account):
    account.accounting.settle(account)
    account.lost(ServerFull(), [], None)
    assert account.events == [("connect", "ok"), ("drop", "server-full")]
    account.check()


def test_connection_without_received_data_is_unproven(account: Account):
    account.accounting.closed(account, 0, cut=False)
    account.open()
    account.flags |= HEARD
    account.accounting.closed(account, 0, cut=False)
    assert account.recorder.unproven == 1


def test_correct_reply_settles_the_connection(account: Account):
    account.accounting.answer(account, "message", TIMES, 20)
    assert account.events == [("connect", "ok"), ("message", "ok")]
    assert account.flags & ANSWERED
    assert (account.recorder.answered, account.recorder.rows["message"].bytes) == (1, 20)


def test_push_counts_as_pushed_and_not_as_answered(account: Account):
    account.accounting.push(account, 20)
    account.accounting.waited(account, "news", 0.5, 20)
    assert account.events == [("connect", "ok"), ("push", "ok"), ("news", "ok")]
    assert (account.recorder.answered, account.recorder.pushed) == (0, 1)


def test_connection_ids_are_unique(account: Account):
    first = account.connection_id
    account.open()
    assert account.connection_id == first + 1
