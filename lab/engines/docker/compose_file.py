"""compose.yaml, changed for one lab. Pure: text or a dict in, a dict out.

A run of its own (`load`, `ci`) publishes nothing and never restarts a worker. With TARGET set the lab's server
is left out, and the workers join the network that has a way out, or the one of NETWORK.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from lab.engines.identity import FOLDER_LABEL, LAB_LABEL, PROJECT_LABEL

Compose = dict[str, Any]
# On Linux, only this makes the name of the host known in a container.
HOST = "host.docker.internal:host-gateway"
# The network of NETWORK has this name in the derived file.
THEIRS = "theirs"
OUR_MASTER = "holdfast-master"
# libyaml's is ten times faster; PyYAML may have been built without it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Names:
    """What tells this lab from others: its project, the tag of its images, and its folder, an absolute path.

    `lab`: of a run, the process that ends with it. `context`: the folder that images are built from, if it is another.
    """

    project: str
    tag: str
    folder: str
    lab: str = ""
    context: str = ""


def parse(text: str) -> Compose:
    """Return the content of a compose file."""
    content: Compose = yaml.load(text, _LOADER)
    return content


def derive(
    compose: Compose, names: Names, *, publish: bool, own_server: bool, build_image: str, network: str = ""
) -> Compose:
    """Return the compose file for one lab.

    `publish`: keep the loopback ports and the restarts (`make up`). `own_server`: keep the lab's server.
    `build_image`: image of the build stages. `network`: a network of the engine that master and workers join.
    """
    derived = copy.deepcopy({key: value for key, value in compose.items() if not key.startswith("x-")})
    services = derived["services"]
    if not own_server:
        _leave_out_server(services)
    for service in services.values():
        service["image"] = f"{service['image'].partition(':')[0]}:{names.tag}"
        service["build"]["context"] = names.context or names.folder
        service["build"]["args"]["BUILD_IMAGE"] = build_image
        service["build"]["labels"] = {PROJECT_LABEL: names.tag, FOLDER_LABEL: names.folder}
        if not publish:
            service.pop("ports", None)
            service["restart"] = "no"
    for labels in _labels(derived):
        labels |= {PROJECT_LABEL: names.project, FOLDER_LABEL: names.folder}
        labels |= {LAB_LABEL: names.lab} if names.lab else {}
    if network:
        _join(derived, network)
    return derived


def _labels(derived: Compose) -> Iterator[dict[str, str]]:
    for kind in ("services", "networks", "volumes"):
        for thing in derived[kind].values():
            yield thing["labels"]


def _leave_out_server(services: Compose) -> None:
    del services["server"]
    services["master"].pop("depends_on")
    services["worker"]["depends_on"].pop("server", None)
    services["worker"]["networks"] = ["load", "front"]
    for service in services.values():
        service["environment"]["HOLDFAST_WAY_OUT"] = "true"
        service["extra_hosts"] = [HOST]


def name_host(derived: Compose) -> None:
    """Let the master reach this machine as host.docker.internal, for what it asks there."""
    derived["services"]["master"]["extra_hosts"] = [HOST]


def _join(derived: Compose, network: str) -> None:
    """Let master and workers join a network of the engine, on which other containers may be called `master`, too."""
    derived["networks"][THEIRS] = {"name": network, "external": True}
    for name in ("master", "worker"):
        service = derived["services"][name]
        service["networks"] = {each: {} for each in (*service["networks"], THEIRS)}
    derived["services"]["master"]["networks"]["load"] = {"aliases": [OUR_MASTER]}
    derived["services"]["worker"]["environment"]["HOLDFAST_MASTER"] = OUR_MASTER


def encrypt(derived: Compose) -> None:
    """Let master and workers speak TLS with the lab's own server."""
    for name in ("master", "worker"):
        environment = derived["services"][name]["environment"]
        environment["HOLDFAST_SERVER"] = environment["HOLDFAST_SERVER"].replace("tcp://", "tls://")
