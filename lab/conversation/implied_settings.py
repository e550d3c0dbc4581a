"""The settings that a conversation implies: defaults of the lab's, such as TARGET, EVERY and MAX_P99_MS.

What is given on the command line or in the environment has priority over them. Values are texts, as everywhere in the
lab.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from lab import settings
from lab.conversation.syntax.document import Document, DrillEntry, TlsEntry
from lab.conversation.syntax.source import Map, Mistake, Node
from lab.conversation.syntax.structure import given
from lab.conversation.syntax.thresholds import ThresholdsEntry
from rawsocket.settings.suggestion import suggestion

#: Rows that there are beside those of the steps.
_OWN_ROWS = ("connect", "push", "tls")
_ROWS = {row.variable: row for row in settings.SETTINGS}


def implied(document: Document, root: Map, rows: Collection[str]) -> dict[str, str]:
    """Return {variable: text}. `rows`: the names that limits can be for. Raises Mistake for what no setting accepts."""
    found = {name.upper(): (_node(root, name), text) for name, text in _simple(document).items()}
    if document.tls:
        found |= _tls(document.tls)
    if document.thresholds:
        found |= _thresholds(document.thresholds, root, rows)
    if document.drill:
        found |= _drill(document.drill)
    for variable, (node, text) in found.items():
        _check(variable, node, text)
    return {variable: text for variable, (_, text) in found.items()}


Found = dict[str, tuple[Node, str]]


def _node(root: Map, name: str) -> Node:
    return root[name]


def _simple(document: Document) -> dict[str, str]:
    values: Mapping[str, tuple[Any, Callable[[Any], str]]] = {
        "target": (document.target, str),
        "timeout": (document.timeout, _number),
        "users": (document.users, str),
        "rate": (document.rate, _number),
        "time": (document.time, lambda seconds: f"{_number(seconds)}s"),
        "every": (document.every, _number),
    }
    return {name: text(leaf.value) for name, (leaf, text) in values.items() if leaf is not None}


def _tls(tls: TlsEntry) -> Found:
    found = {}
    for name, leaf in given(tls).items():
        text = ("yes" if leaf.value else "no") if name == "verify" else leaf.value
        if name in ("ca", "cert", "key"):
            folder = leaf.place.source.path.parent.absolute()
            text = str(folder / re.sub(r"\{user\}", "{number}", text))
        found[f"TLS_{name.upper()}"] = (leaf.node, text)
    return found


def _drill(drill: DrillEntry) -> Found:
    found = {"DRILL": (drill.name.node, drill.name.value)}
    for name, leaf in (("AT", drill.at), ("FOR", drill.lasts)):
        if leaf is not None:
            found[name] = (leaf.node, f"{_number(leaf.value)}s")
    return found


def _thresholds(thresholds: ThresholdsEntry, root: Map, rows: Collection[str]) -> Found:
    found = {}
    for name, leaf in given(thresholds).items():
        limits = leaf.value if isinstance(leaf.value, dict) else {"": leaf.value}
        _check_rows(leaf.node, [row for row in limits if row], rows)
        scale = 1000 if name.startswith("p") else 1
        texts = {row: limit if isinstance(limit, str) else _number(limit * scale) for row, limit in limits.items()}
        variable = {"failures": "MAX_FAILURES", "held": "MIN_HELD", "messages_s": "MIN_MESSAGES_S"}.get(
            name, f"MAX_{name.upper()}_MS"
        )
        found[variable] = (leaf.node, ",".join(f"{row}={text}" if row else text for row, text in texts.items()))
    return found


def _check_rows(node: Node, limited: Collection[str], rows: Collection[str]) -> None:
    for row in limited:
        if row not in rows and row not in _OWN_ROWS and isinstance(node, Map):
            raise Mistake(
                node.keys_at[row], f"a limit for `{row}`, and no step has that name",
                f"expected all, or one of {', '.join(sorted(rows))}",
                suggestion(row, rows).removeprefix("; ") or "correct the name, or give a step `name:`",
            )  # fmt: skip


def _check(variable: str, node: Node, text: str) -> None:
    try:
        _ROWS[variable].parse(text)
    except ValueError as error:
        expected = str(error).partition(" is not valid: ")[2].rpartition(". Set ")[0]
        raise Mistake(node.place, f"this gives {variable}={text}", expected, "correct it") from None


def _number(value: float) -> str:
    return f"{value:.12g}"
