"""Says before a run that its users are more than the lab's own server holds.

A warning and no more: to see what the server does at its cap is what some come for. What each model holds is read from
the server's source, and whether a scenario holds from its own: the host side imports neither.
"""

import ast
from pathlib import Path
from typing import Any

from lab import settings as table
from lab.settings import Settings


def warning(settings: Settings) -> str:
    """Give one line where USERS is above what the server is known to hold, else ""."""
    users, model, asked = int(settings["USERS"]), settings["MODEL"], settings["MAX_CONNECTIONS"]
    if settings["TARGET"] or not _holds(settings["SCENARIO"]):
        return ""
    alone = of_model(model, "default_cap")
    cap = int(asked) if asked else _together(settings, alone)
    if cap is None or users <= cap:
        return ""
    those = f"MAX_CONNECTIONS={asked}" if asked else f"the {cap} that {model} holds"
    remedies = ["lower USERS"]
    if alone != 1:
        remedies.append(f"PROCESSES=auto MAX_CONNECTIONS={users}")
    if alone is not None:
        remedies.append("MODEL=epoll")
    return f"USERS={users} is above {those}: all others are refused, or wait. If that is not meant: {_or(remedies)}"


def _together(settings: Settings, alone: int | None) -> int | None:
    processes = settings["PROCESSES"]
    if alone is None or processes in ("auto", "1"):
        return alone
    return int(processes) * (1 if of_model(settings["MODEL"], "preforks") else alone)


def of_model(model: str, name: str) -> Any:
    """Give what the class of a server's model sets the attribute `name` to, None where it doesn't."""
    return _attributes(table.ROOT / f"server/models/{model}.py").get(name, [None])[0]


def _holds(scenario: str) -> bool:
    return False not in _attributes(table.ROOT / f"locustfiles/{scenario}.py").get("holds", [])


def _attributes(file: Path) -> dict[str, list[Any]]:
    """Give the plain values in the bodies of a file's classes, by name."""
    found: dict[str, list[Any]] = {}
    for of in ast.walk(ast.parse(file.read_text())):
        for node in of.body if isinstance(of, ast.ClassDef) else []:
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
            value = getattr(node, "value", None)
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant):
                found.setdefault(target.id, []).append(value.value)
    return found


def _or(words: list[str]) -> str:
    return ", ".join([*words[:-1], f"or {words[-1]}"])
