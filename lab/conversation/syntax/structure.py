"""Makes typed entries of nodes with msgspec: which keys there are, which must be there, and what they hold.

An `Entry` is a map with known keys. Its fields are entries as well, or subclasses of `Leaf`, which read their node
themselves. What msgspec refuses has a path, which leads to the node and so to a place.
"""

import re
from types import NoneType
from typing import Any, TypeVar, get_args

import msgspec

from lab.conversation.syntax.source import Map, Mistake, Node, Sequence, unknown
from lab.conversation.syntax.values import Leaf

_ERROR = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?", re.S)
_KEY = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_NAMED = re.compile(r"`([^`]*)`")


class Entry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A map with known keys."""


E = TypeVar("E", bound=Entry)


def structure(node: Node, kind: type[E]) -> E:
    """Return a node as an entry of a kind. Raises Mistake."""
    try:
        return msgspec.convert(node, kind, dec_hook=_leaf)
    except msgspec.ValidationError as error:
        raise _mistake(node, kind, str(error)) from None


def keys(kind: type[Entry]) -> list[str]:
    """Return the keys that a kind of entry has."""
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def types(annotation: Any) -> list[type[Any]]:
    """Return the classes of an annotation such as `Text | None`."""
    return [kind for kind in get_args(annotation) or (annotation,) if kind is not NoneType]


def given(entry: Entry) -> dict[str, Any]:
    """Return {key: value} of what is set in an entry."""
    found = {field.encode_name: getattr(entry, field.name) for field in msgspec.structs.fields(entry)}
    return {name: value for name, value in found.items() if value is not None}


def _leaf(kind: type[Any], node: Any) -> Any:
    """Read a node as what msgspec does not know. A Mistake passes through msgspec as it is."""
    assert issubclass(kind, Leaf)
    return kind.read(node)


def _mistake(node: Node, kind: type[Entry], error: str) -> Mistake:
    match = _ERROR.fullmatch(error)
    assert match
    node, kind = _walk(node, kind, match["path"] or "")
    name = named[0] if (named := _NAMED.findall(match["what"])) else ""
    if "unknown field" in match["what"] and isinstance(node, Map):
        known = keys(kind)
        name = next(key for key in node if key not in known)  # it may have a backquote in it
        return Mistake(
            node.keys_at[name], unknown(name, known), f"expected one of {', '.join(known)}", "correct or remove it"
        )
    if "missing required field" in match["what"]:
        return Mistake(node.place, f"the key `{name}` is missing", "it is needed here", f"add `{name}: ...`")
    wanted = "a list" if name.startswith("array") else "a map"
    return Mistake(
        node.place, f"{node.kind} stands here", f"expected {wanted}{_with_keys(kind, wanted)}", "write that instead"
    )


def _with_keys(kind: type[Entry], wanted: str) -> str:
    return f" with {', '.join(keys(kind))}" if wanted == "a map" else ""


def _walk(node: Node, kind: type[Entry], path: str) -> tuple[Node, type[Entry]]:
    """Return the node and the kind of the entry that a path of msgspec leads to."""
    for name, index in _KEY.findall(path):
        if isinstance(node, Map) and name:
            node = node[name]
            kind = _entry(next(each.type for each in msgspec.structs.fields(kind) if each.encode_name == name), kind)
        elif isinstance(node, Sequence) and index:
            node = node[int(index)]
    return node, kind


def _entry(annotation: Any, otherwise: type[Entry]) -> type[Entry]:
    """Return the kind of entry in an annotation such as `Entry | None`."""
    return next((each for each in types(annotation) if issubclass(each, Entry)), otherwise)
