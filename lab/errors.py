"""The errors of the host side, each with an exit code of its own for scripts."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

EXIT_OK = 0
EXIT_LAB_FAILED = 1
EXIT_USAGE = 2
EXIT_MISSED = 3
EXIT_UNKNOWN = 4
EXIT_INTERRUPTED = 130

# What a headless master may end with; any other code (137: killed) means that the lab itself failed.
VERDICT_CODES = frozenset({EXIT_OK, EXIT_LAB_FAILED, EXIT_USAGE, EXIT_MISSED, EXIT_UNKNOWN, EXIT_INTERRUPTED})


INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class LabError(Exception):
    """The lab itself failed (exit 1): one line, and the last lines of whatever failed as evidence."""

    exit_code = EXIT_LAB_FAILED
    #: Whether the command's name stands in front of the line. Not where it begins with a place in a file.
    prefixed: ClassVar[bool] = True

    def __init__(self, message: str, evidence: str = "") -> None:
        super().__init__(one_line(message))
        self.evidence = last_lines(evidence)


class UsageError(LabError):
    """A setting is wrong (exit 2): one line with what is wrong, what was expected and what to do."""

    exit_code = EXIT_USAGE


def usage_error(role: str, log: str, evidence: str = "") -> UsageError:
    """Return the error of a program that ended with 2: the last line of its log says which setting is wrong."""
    line = last_lines(log, 1).removeprefix(f"holdfast {role}: ")
    return UsageError(f"{role}: {line or f'ended with {EXIT_USAGE} and wrote nothing'}", evidence)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError, such as a full disk, into a LabError that names what could not be written."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # of the HTTP library
            raise
        raise LabError(f"could not write {path}: {error.strerror}") from None


class Interrupted(BaseException):
    """Ctrl-C, SIGTERM or SIGHUP (exit 130). A BaseException, so that no `except Exception` swallows it."""


@contextlib.contextmanager
def interrupts_wait() -> Iterator[None]:
    """Let Ctrl-C and its like wait until the end of the block: what it starts is known by then, and can be ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handled = [number for number in INTERRUPTS if callable(signal.getsignal(number))]
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])


def finish_despite_interrupt(clean_up: Callable[[], None]) -> None:
    """Call `clean_up`; if an interrupt comes while it runs, call it again before the interrupt is raised.

    (After the first signal the process ignores further ones, see lab/__main__.py.)
    """
    try:
        clean_up()
    except Interrupted:
        clean_up()
        raise


def one_line(text: str) -> str:
    """Return a text with its line breaks escaped, as `repr` does: a value in it may have some."""
    return "".join(repr(each)[1:-1] if len(f"{each}.".splitlines()) > 1 else each for each in text.strip())


def last_lines(text: str, count: int = 20) -> str:
    """Return the last `count` lines of `text`, trailing blank space removed."""
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines()[-count:])
