"""compose.yaml, changed for one lab. Pure: a dict in, a dict out.

A run of its own (`load`, `ci`) publishes nothing and never restarts a worker. With TARGET set the lab's server
is left out, and the workers join the network that has a way out.
"""

import copy
from typing import Any

Compose = dict[str, Any]


def derive(compose: Compose, *, publish: bool, own_server: bool, build_image: str, root: str) -> Compose:
    """Return the compose file for one lab.

    `publish`: keep the loopback ports and the restarts (`make up`). `own_server`: keep the lab's server.
    `build_image`: image of the build stages. `root`: absolute path of the build context.
    """
    derived = copy.deepcopy({key: value for key, value in compose.items() if not key.startswith("x-")})
    services = derived["services"]
    if not own_server:
        _leave_out_server(services)
    for service in services.values():
        service["build"]["context"] = root
        service["build"]["args"]["BUILD_IMAGE"] = build_image
        if not publish:
            service.pop("ports", None)
            service["restart"] = "no"
    return derived


def _leave_out_server(services: Compose) -> None:
    del services["server"]
    services["master"].pop("depends_on")
    services["worker"]["depends_on"].pop("server", None)
    services["worker"]["networks"] = ["load", "front"]
    for service in services.values():
        service["environment"]["HOLDFAST_WAY_OUT"] = "true"


def encrypt(derived: Compose) -> None:
    """Let master and workers speak TLS with the lab's own server."""
    for name in ("master", "worker"):
        environment = derived["services"][name]["environment"]
        environment["HOLDFAST_SERVER"] = environment["HOLDFAST_SERVER"].replace("tcp://", "tls://")
