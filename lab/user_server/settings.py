"""The user's own server inside the lab: SERVER_IMAGE, SERVER_BUILD or SERVER_COMMAND replaces the lab's server.

SERVER_IMAGE and SERVER_BUILD run in a container, and SERVER_COMMAND is then its command. SERVER_COMMAND alone is a
local process.
"""

import os
import shlex
from collections.abc import Collection, Mapping
from pathlib import Path

from rawsocket.settings.row import BOOLEAN, TEXT, Kind, Setting, seconds, whole
from rawsocket.target import Target, parse

IMAGE, BUILD, COMMAND = "SERVER_IMAGE", "SERVER_BUILD", "SERVER_COMMAND"
LISTEN, WRITABLE = "SERVER_LISTEN", "SERVER_WRITABLE"
PORT_MARK = "{port}"
LONGEST = 60  # characters of a value in a message
READY_S = 30.0  # how long it may take to listen, unless WAIT says otherwise


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
            "command of that image; alone: a local process; {port} stands for its port",
            "a server may be a program on this machine"),
    Setting("server_listen", Kind(_listen, "PORT"), None,
            "port that your server listens on, or tls:PORT; unset: its image's, or a free one",
            "an image may name several ports, or none"),
    Setting("server_writable", BOOLEAN, "no",
            "yes: your server's container may write its files, and be root as its image says",
            "a server that writes nothing and is not root can do less harm"),
)  # fmt: skip


def description(values: Mapping[str, str]) -> str:
    """Return the setting that replaces the lab's server, as it is given; "" if none does."""
    named = [name for name in (IMAGE, BUILD, COMMAND) if values.get(name)]
    return f"{named[0]}={shown(values[named[0]])}" if named else ""


def shown(text: str) -> str:
    """Return a value as it is written on a command line, in one line of bounded length."""
    line = " ".join(text.split())
    return shlex.quote(line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}...")


def is_ours(values: Mapping[str, str]) -> bool:
    """Whether the lab's own server is started and loaded."""
    return not values.get("TARGET") and not description(values)


def instead_of_target(values: Mapping[str, str], given: Collection[str]) -> dict[str, str]:
    """Return what changes in the settings where a server replaces the target that a conversation names.

    Its port is the one that the server's container listens on, unless SERVER_LISTEN names another.
    """
    if not description(values) or not values.get("TARGET") or "TARGET" in given:
        return {}
    target = parse(values["TARGET"])
    port = f"tls:{target.port}" if target.tls else str(target.port)
    return {"TARGET": "", LISTEN: values[LISTEN] or (port if in_container(values) else "")}


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


def build_folder(values: Mapping[str, str]) -> str:
    """Return the folder of SERVER_BUILD as an absolute path, "" if it is unset."""
    return os.path.normpath(Path(values[BUILD]).expanduser().absolute()) if values.get(BUILD) else ""


def wait_s(values: Mapping[str, str]) -> float:
    """Return how long it may take until it listens, in seconds."""
    return seconds(values["WAIT"]) if values.get("WAIT") else READY_S
