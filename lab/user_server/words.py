"""What is said of a server of the user's own that does not start. Pure."""

import re
from collections.abc import Mapping

from lab.user_server.settings import COMMAND, LISTEN, PORT_MARK, WRITABLE, description, in_container

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
