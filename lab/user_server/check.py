"""Settings of the user's own server that contradict each other, or others: one line each, before anything starts."""

import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from lab.errors import UsageError
from lab.user_server.settings import (
    BUILD,
    COMMAND,
    IMAGE,
    LISTEN,
    WRITABLE,
    build_folder,
    description,
    in_container,
    is_ours,
)
from server.settings import TABLE as SERVER_TABLE

#: Settings of the lab that only its own server reads.
OF_OUR_SERVER = ("MODEL", "MAX_CONNECTIONS", "PROCESSES")
_OF_THE_LAB = {"SERVER_PORT"}  # of the lab as well: the published port


def server(values: Mapping[str, str], given: frozenset[str], environ: Mapping[str, str]) -> None:
    """Raise UsageError for settings that contradict each other; `given` are those of the lab that were given."""
    named = description(values)
    if not named:
        for name in (LISTEN, WRITABLE):
            if name in given:
                raise UsageError(
                    f"{name} is for a server of your own: give {IMAGE}, {BUILD} or {COMMAND} as well, or omit it"
                )
        return
    _check_one(values)
    if values.get("TARGET"):
        raise UsageError(
            f"{named} starts a server, and TARGET={values['TARGET']} is loaded instead of it: give only one of them"
        )
    _check_without_effect(named, given, environ)
    if values.get(BUILD):
        _check_build(values)
    if values.get(COMMAND):
        _check_command(values)
    if values.get(WRITABLE) and WRITABLE in given and not in_container(values):
        raise UsageError(f"{WRITABLE} is for a container, and {named} is a local process: omit it")


def _check_one(values: Mapping[str, str]) -> None:
    if values.get(IMAGE) and values.get(BUILD):
        raise UsageError(f"{IMAGE} and {BUILD} both name an image of your server: give only one of them")


def _check_without_effect(named: str, given: frozenset[str], environ: Mapping[str, str]) -> None:
    ours = [name for name in OF_OUR_SERVER if name in given]
    ours += [
        row.variable
        for row in SERVER_TABLE
        if row.variable not in _OF_THE_LAB and environ.get(row.variable, "").strip()
    ]
    if ours:
        is_are, it_them = ("is a setting", "it") if len(ours) == 1 else ("are settings", "them")
        raise UsageError(f"{', '.join(ours)} {is_are} of the lab's own server, which {named} replaces: omit {it_them}")


def _check_command(values: Mapping[str, str]) -> None:
    command = values[COMMAND]
    try:
        found = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"{COMMAND}={command}: {str(error).lower()}; write it as in a shell") from None
    if not found:
        raise UsageError(f"{COMMAND} is empty: expected a program and its arguments")
    if not in_container(values) and not shutil.which(found[0]):
        raise UsageError(
            f"{COMMAND}={command}: there is no program {found[0]!r} that can be run; correct the name or the path"
        )


def _check_build(values: Mapping[str, str]) -> None:
    folder = Path(build_folder(values))
    if not folder.is_dir():
        raise UsageError(f"{BUILD}={values[BUILD]}: there is no such folder; correct the path")
    if not (folder / "Dockerfile").is_file():
        raise UsageError(f"{BUILD}={values[BUILD]}: it has no Dockerfile; name the folder that has it")


def network(values: Mapping[str, str]) -> None:
    """Raise UsageError for a NETWORK without a TARGET on it."""
    if values["NETWORK"] and not values["TARGET"]:
        raise UsageError(
            f"NETWORK={values['NETWORK']} is for a server on that network, and the lab's own is not: name it, too, "
            "as in TARGET=tcp://its-name:9000"
        )


def size(values: Mapping[str, str], environ: Mapping[str, str]) -> None:
    """Raise UsageError for messages that the lab's own server does not accept: each of them would fail."""
    (row,) = [row for row in SERVER_TABLE if row.name == "max_message"]
    limit, asked = environ.get(row.variable, "").strip() or row.default or "", values["SIZE"]
    if not is_ours(values) or values["FRAMING"] == "chunk" or not limit.isdecimal() or int(asked) <= int(limit):
        return
    raise UsageError(
        f"SIZE={asked} is above the {limit} bytes that the lab's server accepts in a message: "
        f"lower SIZE, or set {row.variable}={asked}"
    )
