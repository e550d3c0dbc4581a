"""Exceptions of the scenario's own code, counted by type and place. They are never failures of the server.

Rules:

- `where` names the innermost line of the scenario in the traceback: a file that belongs neither to this library nor to
  Python, Locust or an installed package. If there is none, the exception is `library`, and `where` its last line.
- The message is that of the first exception of its kind. After MAX_KINDS kinds further ones count as one, `others`.
"""

import os
import sysconfig
import traceback
from pathlib import Path
from types import GeneratorType
from typing import Any

from rawsocket.measurement.report import ScenarioError

MAX_KINDS = 50
MESSAGE = 200  # characters of a message
PACKAGE = str(Path(__file__).resolve().parents[1]) + os.sep
INSTALLED = tuple(
    {sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")} | {PACKAGE, "<"}
)


class ScenarioErrors:
    """The exceptions of one process in one run."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}
        self._first: dict[tuple[str, str], ScenarioError] = {}

    def add(self, error: BaseException, place: tuple[str, bool] | None = None) -> bool:
        """Count an exception, at `place` (default: where its traceback says); return whether it is new in its kind."""
        where, library = place or located(error)
        key = type(error).__name__, where
        if key not in self._first and len(self._first) >= MAX_KINDS:
            key, where, library = ("others", ""), "", False
        new = key not in self._first
        if new:
            self._first[key] = ScenarioError(key[0], where, str(error)[:MESSAGE], library=library)
        self._counts[key] = self._counts.get(key, 0) + 1
        return new

    def report(self) -> list[ScenarioError]:
        """Return each kind with its count so far."""
        return [
            ScenarioError(one.type, one.where, one.message, self._counts[key], one.library)
            for key, one in self._first.items()
        ]


def located(error: BaseException) -> tuple[str, bool]:
    """Return FILE:LINE in FUNCTION() of an exception, and whether no line of the scenario is in its traceback."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_short(error.filename)}:{error.lineno}", False
    if isinstance(known := getattr(error, "place", None), str):
        return known, False  # a mistake that no line of the scenario has raised
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "an unknown place", True
    own = [frame for frame in frames if not frame.filename.startswith(INSTALLED)]
    frame = (own or frames)[-1]
    return place(frame.filename, frame.lineno or 0, frame.name), not own


def place(filename: str, line: int, function: str = "") -> str:
    """Return FILE:LINE in FUNCTION(); a file below the working directory by its relative path."""
    where = f"{_short(filename)}:{line}"
    return where if not function or function.startswith("<module") else f"{where} in {function}()"


def is_suspended(generator: Any) -> bool:
    """Return whether a generator waits at a yield, as opposed to one that has ended."""
    return generator.gi_frame is not None


def suspended(generator: Any) -> tuple[str, bool]:
    """Return the place of the yield at which a generator (or the one that it delegates to) is suspended."""
    while isinstance(generator.gi_yieldfrom, GeneratorType):
        generator = generator.gi_yieldfrom
    frame = generator.gi_frame
    return place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name), False


def _short(filename: str) -> str:
    path = Path(filename).absolute()
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
