import json
from collections.abc import Generator
from pathlib import Path

import pytest

from rawsocket.measurement.scenario_errors import MAX_KINDS, ScenarioErrors, located, suspended
from rawsocket.wire.framing import Line

HERE = str(Path(__file__).resolve().relative_to(Path.cwd()))


def broken() -> None:
    json.loads("{")


def raised(function: object = broken) -> Exception:
    try:
        function()  # type: ignore[operator]
    except Exception as error:
        return error
    raise AssertionError


def test_place_is_the_innermost_line_of_the_scenario() -> None:
    where, library = located(raised())
    assert where == f"{HERE}:{broken.__code__.co_firstlineno + 1} in broken()"
    assert not library


def test_exception_without_a_line_of_the_scenario_is_the_librarys() -> None:
    error = raised(lambda: Line().encode(5))  # type: ignore[arg-type]
    assert error.__traceback__ is not None
    error.__traceback__ = error.__traceback__.tb_next and error.__traceback__.tb_next.tb_next  # without this file
    where, library = located(error)
    assert "rawsocket/wire/framing_marks.py:" in where
    assert library


def test_syntax_error_is_placed_in_its_own_file() -> None:
    error = raised(lambda: compile("class A\n", "mine.py", "exec"))
    assert located(error)[0] == "mine.py:1"


def test_errors_are_counted_by_type_and_place_and_the_first_message_stays() -> None:
    errors = ScenarioErrors()
    assert [errors.add(raised()) for _ in range(3)] == [True, False, False]
    assert errors.add(KeyError("token"), ("mine.py:9 in session()", False))
    first, second = errors.report()
    assert (first.type, first.count) == ("JSONDecodeError", 3)
    assert (second.type, second.where, second.message, second.count) == (
        "KeyError", "mine.py:9 in session()", "'token'", 1,
    )  # fmt: skip


def test_kinds_are_bounded() -> None:
    errors = ScenarioErrors()
    for number in range(MAX_KINDS + 10):
        errors.add(KeyError(number), (f"mine.py:{number}", False))
    kinds = errors.report()
    assert (len(kinds), kinds[-1].type, kinds[-1].count) == (MAX_KINDS + 1, "others", 10)


def test_suspended_generator_is_placed_at_its_innermost_yield() -> None:
    def inner() -> Generator[int]:
        yield 1

    def outer() -> Generator[int]:
        yield from inner()

    generator = outer()
    next(generator)
    assert suspended(generator) == (f"{HERE}:{inner.__code__.co_firstlineno + 1} in inner()", False)


@pytest.mark.parametrize("message", ["", "x" * 1000])
def test_message_is_bounded(message: str) -> None:
    errors = ScenarioErrors()
    errors.add(ValueError(message))
    assert len(errors.report()[0].message) <= 200
