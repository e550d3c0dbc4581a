"""Loads the scenario's file: a mistake in it is one line with file and line, and exit code 2, never a traceback.

Whatever the file raises while it is loaded is a mistake of the scenario: a syntax error, a package that is missing, a
user class that can't work.
"""

import sys
from collections.abc import Callable
from typing import Any

from rawsocket.measurement.scenario_errors import located

USAGE = 2
PACKAGES = (
    "install it where the workers run; in containers, name it in locustfiles/requirements.txt and build again "
    "(docs/scenarios.md: Packages of your own)"
)
Loaded = tuple[dict[str, Any], list[Any]]


def load(locusts_own: Callable[[str], Loaded], path: str) -> Loaded:
    """Return the file's user classes and shapes; ends the process with one line if it can't be used."""
    try:
        users, shapes = locusts_own(path)
    except Exception as error:
        sys.exit(_refuse(mistake(error)))
    if not users:
        sys.exit(_refuse(f"{path}: there is no user class in it; it needs a class on SessionUser or RawSocketUser"))
    return users, shapes


def mistake(error: BaseException) -> str:
    """Return the one line for what a file raised while it was loaded."""
    where, _ = located(error)
    where = where.partition(" in ")[0]
    if isinstance(error, SyntaxError):
        return f"{where}: {type(error).__name__}: {error.msg}"
    if isinstance(error, ModuleNotFoundError):
        return f"{where}: {error}: {PACKAGES}"
    return f"{where}: {type(error).__name__}: {_one_line(error)}"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _refuse(line: str) -> int:
    sys.stderr.write(f"{line}\n")
    return USAGE
