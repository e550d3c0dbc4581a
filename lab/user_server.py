"""The user's own server inside the lab: SERVER_IMAGE, SERVER_BUILD or SERVER_COMMAND replaces the lab's server.

SERVER_IMAGE and SERVER_BUILD run in a container, and SERVER_COMMAND is then its command. SERVER_COMMAND alone is a
local process. Here are the settings and what can be checked before anything starts; the engines do the rest.
"""

import os
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from lab.errors import UsageError
from rawsocket.settings.row import BOOLEAN, TEXT, Kind, Setting, whole
from rawsocket.target import Target
from server.settings import TABLE as SERVER_TABLE

IMAGE, BUILD, COMMAND = "SERVER_IMAGE", "SERVER_BUILD", "SERVER_COMMAND"
LISTEN, WRITABLE = "SERVER_LISTEN", "SERVER_WRITABLE"
PORT_MARK = "{port}"
READY_S = 30.0  # how long it may take to listen, unless WAIT says otherwise
#: Settings of the lab that only its own server reads.
OF_OUR_SERVER = ("MODEL", "MAX_CONNECTIONS", "PROCESSES")
_OF_THE_LAB = {"SERVER_PORT"}  # of the lab as well: the published port


def _listen(text: str) -> tuple[int, bool]:
    """Return the port, and whether it speaks TLS: 6379, tls:6380."""
    encrypted = text.lower().startswith("tls:")
    try:
        return whole(1, 65535).parse(text[4:] if encrypted else text), encrypted
    except ValueError:
        raise ValueError("expected a port from 1 to 65535, or tls:PORT for a server that speaks TLS") from None


TABLE = (
    Setting("server_image", TEXT, None, "image of your own server, which replaces the lab's server in the lab",
            "a server in an image needs no installation"),
    Setting("server_build", TEXT, None, "folder with the Dockerfile of your own server, as SERVER_IMAGE",
            "the server that you work on has no image yet"),
    Setting("server_command", TEXT, None,
            "command of SERVER_IMAGE or SERVER_BUILD; alone: a local process; {port} is the port to listen on",
            "a server may be a program on this machine"),
    Setting("server_listen", Kind(_listen, "PORT"), None,
            "port that your own server listens on, or tls:PORT; unset: that of its image, or any free one",
            "an image may name several ports, or none"),
    Setting("server_writable", BOOLEAN, "no",
            "yes: the container of your own server may write its files, and be root if its image says so",
            "a server that writes nothing and is not root can do less harm"),
)  # fmt: skip


def description(values: Mapping[str, str]) -> str:
    """Return the setting that replaces the lab's server, as it is given; "" if none does."""
    named = [name for name in (IMAGE, BUILD, COMMAND) if values.get(name)]
    return f"{named[0]}={shown(values[named[0]])}" if named else ""


def shown(text: str) -> str:
    """Return a value as it is written on a command line."""
    return shlex.quote(text)


def in_container(values: Mapping[str, str]) -> bool:
    """Whether it runs in a container."""
    return bool(values.get(IMAGE) or values.get(BUILD))


def listen(values: Mapping[str, str]) -> tuple[int, bool]:
    """Return the port of SERVER_LISTEN, 0 if it is unset, and whether the server speaks TLS there."""
    return _listen(values[LISTEN]) if values.get(LISTEN) else (0, False)


def url(host: str, port: int, values: Mapping[str, str]) -> str:
    """Return the address that is loaded."""
    return Target(host, port, listen(values)[1]).url


def words(command: str, port: int) -> list[str]:
    """Return the words of a command, with the port in the place of {port}."""
    return [word.replace(PORT_MARK, str(port)) for word in shlex.split(command)]


def check(values: Mapping[str, str], given: frozenset[str], environ: Mapping[str, str]) -> None:
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


def build_folder(values: Mapping[str, str]) -> str:
    """Return the folder of SERVER_BUILD as an absolute path, "" if it is unset."""
    return os.path.normpath(Path(values[BUILD]).expanduser().absolute()) if values.get(BUILD) else ""


def _check_build(values: Mapping[str, str]) -> None:
    folder = Path(build_folder(values))
    if not folder.is_dir():
        raise UsageError(f"{BUILD}={values[BUILD]}: there is no such folder; correct the path")
    if not (folder / "Dockerfile").is_file():
        raise UsageError(f"{BUILD}={values[BUILD]}: it has no Dockerfile; name the folder that has it")


_WANTS_TO_WRITE = re.compile(r"read-only file ?system|permission denied|operation not permitted|must be root", re.I)


def ended(values: Mapping[str, str], code: int, log: str, *, out_of_memory: bool = False) -> str:
    """Return one line on a server that ended before it could be loaded."""
    if out_of_memory:
        return (
            f"{description(values)} was killed for lack of memory before it could be loaded: "
            f"raise SERVER_MEM={values['SERVER_MEM']}"
        )
    how = f" with exit code {code}"
    said = "its last lines are above" if log.strip() else "it said nothing"
    text = f"{description(values)} ended{how} before it could be loaded; {said}"
    if in_container(values) and values.get(WRITABLE) in ("", None, "no") and _WANTS_TO_WRITE.search(log):
        text += f"; if it has to write its own files or to be root, add {WRITABLE}=yes"
    return text


def not_listening(values: Mapping[str, str], port: int, seconds: float) -> str:
    """Return one line on a local process that does not listen on its port."""
    if values.get(LISTEN):
        remedy = f"correct {LISTEN}"
    elif PORT_MARK in values.get(COMMAND, ""):
        remedy = "check its command"
    else:
        remedy = f"write {PORT_MARK} into the command, or let the program read PORT, or set {LISTEN} to its port"
    return (
        f"{description(values)} does not listen on port {port} of 127.0.0.1 after {seconds:.0f} s: {remedy}; "
        "WAIT=2m waits longer"
    )
