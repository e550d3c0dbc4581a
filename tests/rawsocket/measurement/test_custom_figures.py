"""Figures of a scenario's own, by both user classes: their rows, and what they must not count in."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import math
import time
from collections.abc import Callable
from typing import Any

import pytest
from locust.env import Environment
from locust.exception import StopUser

from rawsocket import RawSocketUser, SessionUser
from rawsocket.errors import Closed
from rawsocket.measurement.custom_figures import MEASURED_ROWS, CustomFigures, mark_not_judged
from rawsocket.measurement.recorder import RECORDER
from rawsocket.measurement.report import RowReport

pytestmark = pytest.mark.usefixtures("fresh_recorder")


def reported(name: str) -> RowReport:
    """The row of that name in a worker's report."""
    (row,) = [row for row in RECORDER.report().rows if row.name == name]
    return row


def fails_by(error: BaseException) -> Callable[[], None]:
    def run() -> None:
        with CustomFigures().transaction("login"):
            raise error

    return run


@pytest.mark.parametrize("user_class", [RawSocketUser, SessionUser])
def test_both_user_classes_have_figures_of_their_own(user_class: type[CustomFigures]) -> None:
    assert issubclass(user_class, CustomFigures)
    assert user_class.not_judged == ()


def test_figure_has_one_time_from_due_and_is_judged() -> None:
    CustomFigures().measure("login", 0.002)
    CustomFigures().measure("login", 1)
    row = reported("login")
    assert (row.type, row.requests, row.failures, row.judged) == ("MEASURED", 2, {}, True)
    assert (row.times.due, row.times.sent, row.times.first) == ([[2000, 1], [999936, 1]], [], [])


def test_figure_is_in_no_count_of_the_run() -> None:
    CustomFigures().measure("login", 0.002)
    with pytest.raises(Closed):
        fails_by(Closed())()
    counts = RECORDER.counts()
    assert (counts.failures, counts.messages.due, counts.messages.delivered) == (0, 0, 0)


@pytest.mark.parametrize("seconds", ["1", None, True, math.nan, math.inf])
def test_figure_that_is_no_number_is_one_line(seconds: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^measure\('login', \.\.\.\): expected a number of seconds"):
        CustomFigures().measure("login", seconds)


@pytest.mark.parametrize("name", ["connect", "reconnect", "drop", "", None])
def test_figure_can_not_have_the_name_of_a_row_of_connections(name: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="name"):
        CustomFigures().measure(name, 1.0)
    with pytest.raises((TypeError, ValueError), match="name"), CustomFigures().transaction(name):
        pass


def test_negative_figure_counts_as_zero() -> None:
    CustomFigures().measure("login", -5.0)
    assert reported("login").times.due == [[0, 1]]


def test_transaction_measures_its_block() -> None:
    before = time.perf_counter()
    with CustomFigures().transaction("login"):
        pass
    ((us, number),) = reported("login").times.due
    assert number == 1
    assert 0 <= us <= (time.perf_counter() - before) * 1e6 + 1


def test_transaction_of_a_session_runs_from_its_slot() -> None:
    class Runner:
        due = time.perf_counter() - 50.0

    class User(CustomFigures):
        runner = Runner()

    with User().transaction("login"):
        pass
    ((us, _),) = reported("login").times.due
    assert us >= 49_000_000
    User.runner.due = time.perf_counter() + 50.0
    with User().transaction("early"):
        pass
    assert reported("early").times.due[0][0] < 50_000_000


@pytest.mark.parametrize(("error", "name"), [(Closed("seen"), "closed"), (KeyError("x"), "KeyError")])
def test_transaction_that_ends_by_an_exception_fails_by_its_name(error: Exception, name: str) -> None:
    with pytest.raises(type(error)):
        fails_by(error)()
    row = reported("login")
    assert (row.requests, row.failures, row.times.due) == (1, {name: 1}, [])


@pytest.mark.parametrize("error", [StopUser(), GeneratorExit(), KeyboardInterrupt()])
def test_transaction_of_a_user_that_was_stopped_is_neither_good_nor_failed(error: BaseException) -> None:
    with pytest.raises(type(error)):
        fails_by(error)()
    assert RECORDER.report().rows == []


def test_row_that_is_not_judged_says_so() -> None:
    mark_not_judged(("login", "hello"))
    CustomFigures().measure("login", 1.0)
    CustomFigures().measure("other", 1.0)
    RECORDER.rows["hello"].plain.append(0.001)
    assert [reported(name).judged for name in ("login", "other", "hello")] == [False, True, False]
    RECORDER.begin_run()
    CustomFigures().measure("login", 1.0)
    assert reported("login").judged is True


@pytest.mark.parametrize("names", ["login", 5, ("login", 5), None])
def test_not_judged_must_be_names_of_rows(names: object) -> None:
    with pytest.raises(TypeError, match="not_judged must be a tuple of names of rows"):
        mark_not_judged(names)


def test_locust_shows_the_row_and_leaves_it_out_of_its_sum() -> None:
    environment = Environment()
    environment.create_local_runner()
    CustomFigures().measure("login", 0.5)
    MEASURED_ROWS.fail("login", "closed")
    MEASURED_ROWS.flush(environment)
    MEASURED_ROWS.flush(environment)
    entry = environment.stats.get("login", "MEASURED")
    assert (entry.num_requests, entry.num_failures, entry.max_response_time) == (2, 1, pytest.approx(500, 0.001))
    assert environment.stats.total.num_requests == 0
    assert [(error.method, error.error) for error in environment.stats.errors.values()] == [("MEASURED", "closed")]
