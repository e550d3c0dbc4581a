import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from collections.abc import Generator
from typing import Any

from rawsocket.users.session.generator_end import IN_FINALLY, close_generator


class User:
    """Keeps what is reported."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []

    def report_error(self, error: BaseException, place: Any = None) -> None:
        self.errors.append(error)


def closed(generator: Generator[Any, Any, Any]) -> list[str]:
    """Close a generator that has begun; return the errors that its user was told."""
    user = User()
    next(generator)
    close_generator(user, generator)  # type: ignore[arg-type]
    return [str(error) for error in user.errors]


def test_finally_blocks_run():
    ran = []

    def session() -> Generator[Any, Any, None]:
        try:
            yield 1
        finally:
            ran.append(True)

    assert closed(session()) == []
    assert ran == [True]


def test_yield_in_nested_finally_blocks_is_told_once_for_each():
    def session() -> Generator[Any, Any, None]:
        try:
            try:
                yield 1
            finally:
                yield 2
        finally:
            yield 3

    assert closed(session()) == [IN_FINALLY] * 2


def test_exception_of_a_finally_block_is_reported():
    def session() -> Generator[Any, Any, None]:
        try:
            yield 1
        finally:
            raise LookupError("no such thing")

    assert closed(session()) == ["no such thing"]
