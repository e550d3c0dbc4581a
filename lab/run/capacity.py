"""Warns before a run that its users are more than the lab's own server holds.

It is a warning only: some runs are made to see what the server does at its cap. The class of a model says what it
holds. Whether the users of a scenario hold their connections is read from its source: to import it would import Locust.
"""

import ast
import math
import os
import sys

from lab import folders
from lab.errors import UsageError
from lab.inputs import conversation
from lab.run import load_shape
from lab.settings import Settings
from rawsocket.settings.row import size_bytes
from server.models.base import Model, load

# Modules without users that hold several connections, and the words of a scenario whose users may.
_COMMON = sys.stdlib_module_names | {"rawsocket", "locust", "gevent"}
WORKER_B = 64 * 1024**2
_HOLDS_OTHERWISE = ("connections_per_user", "LoadTestShape")


def warning(settings: Settings) -> str:
    """Return one line where USERS is above what the server is known to hold, else ""."""
    users, name, asked = load_shape.users(settings), settings["MODEL"], settings["MAX_CONNECTIONS"]
    if not holds(settings["SCENARIO"]) or not settings.own_server:
        return ""
    model = load(name)
    cap = int(asked) if asked else _cap(model, settings["PROCESSES"])
    if cap is None or users <= cap:
        return ""
    above = f"MAX_CONNECTIONS={asked}" if asked else f"the {cap} that {name} holds"
    named = load_shape.named(settings)
    remedies = ["lower USERS" if named.startswith("USERS") else "lower the shape"]
    if model.default_cap != 1:
        remedies.append(f"PROCESSES=auto MAX_CONNECTIONS={users}")
    if model.default_cap is not None:
        remedies.append("MODEL=epoll")
    return (
        f"{named} is above {above}: the server refuses the others, or lets them wait. "
        f"If that is not what you want: {_or(remedies)}"
    )


def check_held(settings: Settings) -> None:
    """Raise UsageError if MIN_HELD is certainly more than the users of a run hold.

    The master, which loads the scenario, checks the others: users that hold several connections, base classes.
    """
    wanted, users, named = settings["MIN_HELD"], load_shape.users(settings), load_shape.named(settings)
    if wanted and int(wanted) > users and _holds_one_each(settings["SCENARIO"]):
        remedy = "raise USERS" if named.startswith("USERS") else "raise the shape"
        raise UsageError(
            f"MIN_HELD={wanted} is above {named}: one user holds one connection, "
            f"so it can never be reached. Lower MIN_HELD or {remedy}."
        )


def check_memory(settings: Settings, limit: int) -> None:
    """Raise UsageError if a worker, or the messages of its users with their replies, need more than `limit` bytes.

    0: there is no limit. A worker keeps each message until its reply is complete. With less than WORKER_B the kernel
    drops and reads its program again and again, and it starts after minutes or never.
    """
    if 0 < limit < WORKER_B:
        raise UsageError(
            f"WORKER_MEM={settings['WORKER_MEM']} is too little: a worker needs 60 MB before its first user. "
            f"Give {WORKER_B // 1024**2}m or more, or 0 for no limit"
        )
    users = math.ceil(load_shape.users(settings) / settings.workers)
    needed = 2 * users * int(settings["SIZE"])
    if limit and needed > limit:
        raise UsageError(
            f"SIZE={settings['SIZE']} with {users} users on each worker: their messages and replies take up to "
            f"{needed / 1024**3:.1f} GiB, and a worker has {limit / 1024**3:.1f}: lower SIZE or USERS, "
            "or raise WORKERS, or WORKER_MEM for containers"
        )


def memory_limit(settings: Settings, engine: str) -> int:
    """Return the bytes of memory that a worker may use, 0 for no limit: local processes share the machine's."""
    if engine == "docker":
        return size_bytes(settings["WORKER_MEM"])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // settings.workers


def _cap(model: type[Model], processes: str) -> int | None:
    """Return how many connections the processes of a model hold together, None where there is no limit of its own."""
    if model.default_cap is None or processes in ("auto", "1"):
        return model.default_cap
    return int(processes) * (1 if model.preforks else model.default_cap)


def holds(scenario: str) -> bool:
    """Whether each user of a scenario holds a connection: no class in its source says `holds = False`.

    Users of a conversation do.

    Raises UsageError if the source is not Python.
    """
    bodies = [node.body for node in ast.walk(_tree(_source(scenario), scenario)) if isinstance(node, ast.ClassDef)]
    return not any(_says_no(statement) for body in bodies for statement in body)


def _holds_one_each(scenario: str) -> bool:
    """Whether the source of a scenario shows that its users hold one connection each, and that there is no load shape.

    It does not if it imports base classes from elsewhere.
    """
    source = _source(scenario)
    imports = [node for node in ast.walk(_tree(source, scenario)) if isinstance(node, ast.Import | ast.ImportFrom)]
    named = {
        name.partition(".")[0]
        for node in imports
        for name in ([node.module or "."] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }
    return named <= _COMMON and not any(word in source for word in _HOLDS_OTHERWISE)


def _source(scenario: str) -> str:
    """Return the source in Python, "" for a conversation: each of its users holds one connection."""
    path = folders.find(f"locustfiles/{scenario}.py")
    return path.read_text() if path.is_file() and not conversation.file(scenario) else ""


def _tree(source: str, scenario: str) -> ast.AST:
    """Return the parsed source. Raises UsageError if it is not Python."""
    try:
        return ast.parse(source)
    except SyntaxError as error:
        said = f"{type(error).__name__}: {error.msg}"
        raise UsageError(f"locustfiles/{scenario}.py:{error.lineno}: {said}") from None


def _says_no(statement: ast.stmt) -> bool:
    target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
    value = getattr(statement, "value", None)
    return (
        isinstance(target, ast.Name)
        and target.id == "holds"
        and isinstance(value, ast.Constant)
        and value.value is False
    )


def _or(words: list[str]) -> str:
    return ", ".join([*words[:-1], f"or {words[-1]}"])
