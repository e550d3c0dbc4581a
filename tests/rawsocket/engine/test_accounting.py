import pytest

from rawsocket.engine.accounting import CLIENT, Books
from rawsocket.errors import Closed, RawSocketError, Refused, ReplyTimeout, ServerFull, Short, Wrong
from rawsocket.measurement.recorder import Recorder
from rawsocket.measurement.rows import Times

TIMES = (0.3, 0.2, 0.1)


class Kept(Books):
    """Books whose events are kept."""

    def __init__(self) -> None:
        super().__init__()
        self._recorder = Recorder()
        self.events: list[tuple[str, str]] = []

    @property
    def recorder(self) -> Recorder:
        return self._recorder

    def tell(self, row: str, times: Times | None, length: int, failure: RawSocketError | None) -> None:
        self.events.append((row, failure.name if failure else "ok"))

    def check(self) -> None:
        made = self.recorder
        assert made.attempted == made.connected + sum(made.failed.values())
        assert made.connected == sum(made.dropped.values()) + made.closed
        assert made.unanswered == sum(made.unanswered_by.values())
        assert made.held == 0


@pytest.fixture
def books() -> Kept:
    made = Kept()
    made.opened(1.0, 1.5)
    assert made.recorder.held == 1
    assert made.recorder.attempted == 0
    return made


def test_an_attempt_that_fails_was_never_open():
    books = Kept()
    books.never_opened(1.0, 1.5, Refused())
    assert books.events == [("connect", "refused")]
    assert books.recorder.failed == {"refused": 1}
    books.check()


@pytest.mark.parametrize("row", ["connect", "reconnect"])
def test_a_connection_settles_once(books: Kept, row: str):
    books.reconnect = row == "reconnect"
    books.settle()
    books.settle()
    assert books.events == [(row, "ok")]
    assert (books.recorder.connected, books.recorder.reconnects) == (1, row == "reconnect")


def test_the_first_wrong_reply_of_a_run_is_logged_and_kept(books: Kept, caplog: pytest.LogCaptureFixture):
    for detail in ("ERR message too long", "something else"):
        books.ended()
        books.lost(Wrong(detail), [("message", TIMES)], None, False)
        books.opened(1.0, 1.5)
    books.ended()
    books.lost(ReplyTimeout("0 bytes had come"), [("message", TIMES)], None, False)
    assert books.recorder.examples == {"wrong": "ERR message too long"}
    assert [record.getMessage() for record in caplog.records] == [
        "the first reply of this run that was wrong: ERR message too long"
    ]
    books.check()


def test_closing_settles_and_leaves_messages_unanswered_without_failure(books: Kept):
    books.recorder.sent = 3
    books.ended()
    books.closed(3, cut=True)
    assert books.events == [("connect", "ok")]
    assert (books.recorder.unanswered_by, books.recorder.cut) == ({CLIENT: 3}, 1)
    books.check()


def test_a_loss_with_messages_in_flight_stands_in_their_rows(books: Kept):
    books.ended()
    books.lost(ReplyTimeout(), [("a", TIMES), ("b", TIMES)], None, cut=False)
    assert books.events == [("connect", "ok"), ("a", "reply-timeout"), ("b", "reply-timeout")]
    assert books.recorder.unanswered_by == {"reply-timeout": 2}
    assert books.recorder.dropped == {"reply-timeout": 1}
    books.check()


def test_a_reply_that_came_and_was_bad_is_wrong_and_those_behind_it_unanswered(books: Kept):
    books.ended()
    books.lost(Short(), [("a", TIMES), ("b", TIMES)], None, cut=False)
    assert (books.recorder.wrong, books.recorder.unanswered_by) == (1, {"short": 1})
    books.check()


def test_a_loss_without_any_is_a_drop(books: Kept):
    books.ended()
    books.lost(Closed(), [], None, cut=False)
    assert books.events == [("connect", "ok"), ("drop", "closed")]
    books.check()


def test_a_loss_while_waiting_for_a_push_stands_in_its_row(books: Kept):
    books.ended()
    books.lost(Closed(), [], ("news", TIMES), cut=False)
    assert books.events == [("connect", "ok"), ("news", "closed")]
    assert books.recorder.unanswered == 0
    books.check()


@pytest.mark.parametrize("in_flight", [[], [("a", TIMES)]])
def test_a_refusal_before_it_has_settled_is_a_failed_attempt(books: Kept, in_flight: list[tuple[str, Times]]):
    books.ended()
    books.lost(ServerFull(), in_flight, None, cut=False)
    assert books.events == [("connect", "server-full"), *(("a", "server-full") for _ in in_flight)]
    assert books.recorder.failed == {"server-full": 1}
    assert books.recorder.dropped == {}
    books.check()


def test_a_refusal_after_it_has_settled_is_a_drop(books: Kept):
    books.settle()
    books.ended()
    books.lost(ServerFull(), [], None, cut=False)
    assert books.events == [("connect", "ok"), ("drop", "server-full")]
    books.check()


def test_a_connection_that_heard_nothing_is_unproven(books: Kept):
    books.ended()
    books.opened(2.0, 2.5)
    books.heard = True
    books.ended()
    assert books.recorder.unproven == 1


def test_ids_are_unique(books: Kept):
    first = books.connection_id
    books.opened(2.0, 2.5)
    assert books.connection_id == first + 1
    assert books.message_no == 0
