"""The service `server` of a derived compose file, for the user's own server. Pure: it changes a dict.

Rules:

- It has the limits of the lab's own server: SERVER_CPUS, SERVER_MEM, processes, descriptors. Its ports and networks are
  those, too: published on 127.0.0.1 by `up`, nothing in a run.
- Its files are read-only, apart from /tmp and the image's volumes. It has no capabilities, and no root: where the image
  names no user, it runs as ours. SERVER_WRITABLE=yes gives it its own files, and root with what an entry point
  needs to hand over to another user.
- Its image has no health check that the lab knows: the master waits until it listens.
"""

import resource
from collections.abc import Mapping
from typing import Any

from lab.engines.docker.user_server.image import ServerImage
from lab.settings import yes
from lab.user_server import settings as user_server

PLAIN_USER = "10001:10001"  # that of the lab's own images
#: What an image's entry point needs that starts as root, prepares its files and becomes another user.
CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"]
MOST_DESCRIPTORS = 1_048_576  # Linux allows no more by default (fs.nr_open)
BUILD_ARGS = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
USAGE = "engine"
LABEL = "holdfast.user-server"  # on the container


def build(derived: dict[str, Any], image: str, folder: str) -> None:
    """Let `server` be built from `folder`, or have an image that is there if `folder` is ""."""
    service = derived["services"]["server"]
    made = service.pop("build")
    service["image"] = _literal(image)
    if folder:
        arguments: dict[str, None] = dict.fromkeys(BUILD_ARGS)
        service["build"] = {"context": _literal(folder), "args": arguments, "labels": made["labels"]}


def run(derived: dict[str, Any], server: ServerImage, values: Mapping[str, str], wait_s: float) -> None:
    """Let `server` run the image, and let master and workers load it."""
    service = derived["services"]["server"]
    for name in ("healthcheck", "stop_signal"):
        service.pop(name, None)
    service["labels"] |= {LABEL: "yes"}
    service["environment"] = {"PORT": str(server.port)}
    service["healthcheck"] = {"disable": True}
    service["ulimits"] = {"nofile": {"soft": descriptors(), "hard": descriptors()}}
    if "ports" in service:
        service["ports"] = [f"127.0.0.1:${{SERVER_PORT:-8686}}:{server.port}"]
    if values.get(user_server.COMMAND):
        command = user_server.words(values[user_server.COMMAND], server.port)
        service["command"] = [_literal(word) for word in command]
    _protect(service, server, writable=yes(values.get(user_server.WRITABLE, "")))
    for name in ("master", "worker"):
        environment = derived["services"][name]["environment"]
        environment["HOLDFAST_SERVER"] = user_server.url("server", server.port, values)
        environment["HOLDFAST_SERVER_ADMIN"] = ""
    _let_master_wait(derived["services"]["master"], values, wait_s)


def _let_master_wait(master: dict[str, Any], values: Mapping[str, str], wait_s: float) -> None:
    master["depends_on"] = {"server": {"condition": "service_started"}}
    master["healthcheck"]["start_period"] = f"{wait_s:.0f}s"
    master["environment"] |= {
        "HOLDFAST_SERVER_WAIT": f"{wait_s:g}",
        "HOLDFAST_SERVER_USAGE": USAGE,
        "HOLDFAST_SERVER_NAME": _literal(user_server.description(values)),
    }


def _protect(service: dict[str, Any], server: ServerImage, *, writable: bool) -> None:
    if not writable:
        if server.is_root:
            service["user"] = PLAIN_USER
            service["environment"] |= {"HOME": "/tmp"}  # that user has no home in the image
        return
    service["read_only"] = False
    if server.is_root:
        service["cap_add"] = list(CAPABILITIES)


def descriptors() -> int:
    """Return the limit of descriptors: what this process may have at most, since an engine here may have as many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)


def _literal(text: str) -> str:
    """Return text in which compose finds no variables."""
    return text.replace("$", "$$")
