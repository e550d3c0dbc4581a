"""Loads the scenario's file: a mistake in it is one line with file and line, and exit code 2, never a traceback.

Whatever the file raises while it is loaded is a mistake of the scenario: a syntax error, a package that is missing, a
user class that can't work. A setting that the file does not use is worth a line as well.
"""

import ast
import inspect
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rawsocket.measurement.scenario_errors import located
from rawsocket.settings.options import DEFAULTS
from rawsocket.shapes.scenario import of_classes

USAGE = 2
PACKAGES = (
    "install it where the workers run; in containers, name it in locustfiles/requirements.txt and build again "
    "(docs/scenarios.md: Packages of your own)"
)
# By setting: a scenario that uses it uses one of these names.
USES: Mapping[str, frozenset[str]] = {
    "every": frozenset({"every", "pause", "lab_options"}),
    "pace": frozenset({"pace", "pause", "lab_options"}),
    "size": frozenset({"size", "message", "exchange", "unique_payload", "lab_options"}),
}
Loaded = tuple[dict[str, Any], list[Any]]


def load(locusts_own: Callable[[str], Loaded], path: str) -> Loaded:
    """Return the file's user classes and shapes; ends the process with one line if it can't be used."""
    try:
        users, shapes = locusts_own(path)
    except Exception as error:
        sys.exit(_refuse(mistake(error)))
    if not users:
        sys.exit(_refuse(f"{path}: there is no user class in it; it needs a class on SessionUser or RawSocketUser"))
    try:
        shape = of_classes(users.values())
    except ValueError as error:
        sys.exit(_refuse(f"{path}: {error}"))
    if shape and shapes:
        both = f"shape = {type(shape).__name__}(...) and {type(shapes[0]).__name__}, a LoadTestShape"
        sys.exit(_refuse(f"{path}: it has {both}: a run follows one load shape; remove one of them"))
    return users, shapes


def mistake(error: BaseException) -> str:
    """Return the one line for what a file raised while it was loaded."""
    where, _ = located(error)
    where = where.partition(" in ")[0]
    if isinstance(error, SyntaxError):
        return f"{where}: {type(error).__name__}: {error.msg}"
    if isinstance(error, ModuleNotFoundError):
        return f"{where}: {error}: {PACKAGES}"
    return f"{where}: {type(error).__name__}: {_one_line(error)}{_hint(error)}"


def _hint(error: BaseException) -> str:
    """Return what to do about a variable of the environment that is not there, "" for any other error."""
    frames = traceback.extract_tb(error.__traceback__)
    if not isinstance(error, KeyError) or not frames or Path(frames[-1].filename).stem not in ("os", "<frozen os>"):
        return ""
    return (
        f"; set it, and declare ScenarioSetting({str(error.args[0]).lower()!r}), without which it does not reach "
        "containers (docs/scenarios.md: Settings of your own)"
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _refuse(line: str) -> int:
    sys.stderr.write(f"{line}\n")
    return USAGE


def unused(user_classes: Iterable[type[Any]], value: Callable[[str], Any]) -> list[str]:
    """Return a line for each setting whose `value(name)` is not its default, although the scenario does not use it."""
    classes = list(user_classes)
    files = sorted({path for user_class in classes for path in _files(user_class)})
    names = {name for path in files for name in _names(path)}
    conversations = [one for one in classes if hasattr(one, "settings_used")]
    names |= {name for one in conversations for name in one.settings_used}
    where = ", ".join([*(path.name for path in files), *(Path(one.plan.file).name for one in conversations)])
    return [
        f"{name.upper()}={_text(value(name))} has no effect: {where} never uses it"
        for name, uses in USES.items()
        if where and value(name) != DEFAULTS[name] and not names & uses
    ]


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _files(user_class: type[Any]) -> Iterator[Path]:
    """Yield the files that a user class is written in, without those of this library and of Locust."""
    for one in user_class.__mro__:
        if one.__module__.partition(".")[0] not in ("rawsocket", "locust", "builtins"):
            path = inspect.getsourcefile(one)
            if path is not None:
                yield Path(path)


def _names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
