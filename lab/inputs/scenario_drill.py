"""The drill that a scenario in Python has: `drill = {"name": "server-frozen", "at": "20s", "for": "5s"}` in a class.

It is read from the source, since to import a scenario would import Locust. So it is a literal.
"""

import ast
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from lab import folders, settings
from lab.errors import UsageError
from rawsocket.settings.suggestion import listed, suggestion

ATTRIBUTE = "drill"
KEYS = {"name": "DRILL", "at": "AT", "for": "FOR"}


def implied(scenario: str) -> dict[str, str]:
    """Return {variable: text} of the drill, {} without one. Raises UsageError, one line with file and line."""
    if scenario not in settings.scenarios():
        return {}
    file = f"locustfiles/{scenario}.py"
    try:
        tree = ast.parse(folders.find(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return {}  # whoever needs the file says what is wrong with it
    found: dict[str, str] = {}
    for node in _assigned(tree):
        if found:
            raise UsageError(f"{file}:{node.lineno}: a second drill; a run has one; remove one of them")
        try:
            found = _variables(node)
        except ValueError as error:
            raise UsageError(f"{file}:{node.lineno}: {ATTRIBUTE}: {error}") from None
    return found


def _assigned(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield what is assigned to `drill` in the classes."""
    for statement in (node for each in ast.walk(tree) if isinstance(each, ast.ClassDef) for node in each.body):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
        value = getattr(statement, "value", None)
        if isinstance(target, ast.Name) and target.id == ATTRIBUTE and value is not None:
            yield value


def _variables(node: ast.expr) -> dict[str, str]:
    try:
        given: Any = ast.literal_eval(node)
    except ValueError:
        given = None
    if not isinstance(given, Mapping) or "name" not in given:
        raise ValueError('expected literals, such as {"name": "server-frozen", "at": "20s", "for": "5s"}')
    rows = {row.variable: row for row in settings.SETTINGS}
    for key, text in given.items():
        if key not in KEYS:
            raise ValueError(f"there is no key {key!r}{suggestion(str(key), KEYS)}; expected {', '.join(KEYS)}")
        rows[KEYS[key]].parse(str(text))
    known = import_module("lab.drills.table").by_name()  # by its name: drills read scenarios themselves
    if given["name"] not in known:
        name = str(given["name"])
        raise ValueError(f"there is no drill {name}{suggestion(name, known)}; expected one of {listed(list(known))}")
    return {KEYS[key]: str(text) for key, text in given.items()}
