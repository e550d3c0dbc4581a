"""Pure: a load shape as a conversation has it: {steps: {from: 100, to: 1000, by: 100, hold: 30s}}."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from rawsocket.settings.suggestion import suggestion
from rawsocket.shapes.shape import SHAPES, Shape

EXAMPLE = "such as {steps: {from: 100, to: 1000, by: 100, hold: 30s}}"


def from_document(document: Mapping[str, Any]) -> Shape:
    """Return the shape that a map with one key describes. Numbers may be texts. ValueError, one line, for a mistake."""
    if not isinstance(document, Mapping) or len(document) != 1:
        raise ValueError(f"shape: expected one of {', '.join(SHAPES)} with its keys, {EXAMPLE}")
    ((name, values),) = document.items()
    if name not in SHAPES:
        hint = suggestion(str(name), SHAPES) or f"; {EXAMPLE}"
        raise ValueError(f"shape: there is no shape {name!r}; expected one of {', '.join(SHAPES)}{hint}")
    kind = SHAPES[name]
    if not isinstance(values, Mapping):
        raise ValueError(f"{name}: expected a map with the keys {', '.join(kind.KEYS.values())}")
    _check_keys(kind, [str(key) for key in values])
    return kind(*(_value(values[key]) if key in values else _default(kind, field) for field, key in kind.KEYS.items()))


def _check_keys(kind: type[Shape], given: Iterable[str]) -> None:
    known = list(kind.KEYS.values())
    given = list(given)
    for key in given:
        if key not in known:
            hint = suggestion(key, known) or f"; expected {', '.join(known)}"
            raise ValueError(f"{kind.name}: there is no key {key!r}{hint}")
    missing = [key for field, key in kind.KEYS.items() if key not in given and field not in _defaults(kind)]
    if missing:
        raise ValueError(f"{kind.name}: {', '.join(missing)} missing; expected {', '.join(known)}")


def _defaults(kind: type[Shape]) -> dict[str, Any]:
    return {each.name: each.default for each in dataclasses.fields(kind) if each.default is not dataclasses.MISSING}


def _default(kind: type[Shape], field: str) -> Any:
    return _defaults(kind)[field]


def _value(value: Any) -> Any:
    """Return a whole number for its text; a time may stay a text."""
    return int(value) if isinstance(value, str) and value.strip().isdigit() else value
