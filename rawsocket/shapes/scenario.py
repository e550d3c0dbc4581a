"""Pure: the load shape of a scenario: `shape = Steps(...)` in a user class, from the class or from the file's source.

The lab can't import a scenario, since that would import Locust. It reads the shape from the source if its arguments are
literals. Otherwise the master, which loads the scenario, checks what the lab could not.
"""

import ast
from collections.abc import Iterable, Iterator
from typing import Any

from rawsocket.shapes.shape import SHAPES, Shape

ATTRIBUTE = "shape"
_NAMES = {kind.__name__: kind for kind in SHAPES.values()}


def of_classes(user_classes: Iterable[type[Any]]) -> Shape | None:
    """Return the shape that the classes declare, None without one. ValueError, one line, if they declare two."""
    found: dict[Shape, str] = {}
    for user_class in user_classes:
        shape = getattr(user_class, ATTRIBUTE, None)
        if shape is None:
            continue
        if not isinstance(shape, Shape):
            expected = f"expected {', '.join(_NAMES)}, such as Steps(100, 1000, by=100, hold='30s')"
            raise ValueError(f"{user_class.__name__}.shape: {shape!r} is no load shape: {expected}")
        found.setdefault(shape, user_class.__name__)
    if len(found) > 1:
        raise ValueError(f"{' and '.join(found.values())} have different shapes: a run has one; remove one of them")
    return next(iter(found), None)


def of_source(tree: ast.AST) -> Shape | None:
    """Return the shape that a scenario's source declares, None without one, or if it can't be told from the source."""
    for call in _calls(tree):
        try:
            arguments = [ast.literal_eval(node) for node in call.args]
            named = {each.arg or "": ast.literal_eval(each.value) for each in call.keywords}
            return _NAMES[_name(call.func)](*arguments, **named)
        except (ValueError, TypeError):
            return None  # the master says what is wrong with it
    return None


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls of a shape's name that are assigned to `shape` in a class."""
    for node in (node for each in ast.walk(tree) if isinstance(each, ast.ClassDef) for node in each.body):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if not isinstance(target, ast.Name) or target.id != ATTRIBUTE or not isinstance(value, ast.Call):
            continue
        if _name(value.func) in _NAMES:
            yield value


def _name(function: ast.expr) -> str:
    """Return the last part of a function's name."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
