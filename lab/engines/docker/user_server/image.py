"""The image of the user's own server: had or built, and what it says about itself, its port and its user."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import docker

from lab.engines.docker import base_image
from lab.errors import UsageError
from lab.user_server import settings as user_server

BUILT = "holdfast-your-server"  # the name of an image that SERVER_BUILD makes
_ROOT = ("", "root", "0")


@dataclass(frozen=True)
class ServerImage:
    """An image, the port that its server listens on, and whether its user is root."""

    name: str
    port: int
    is_root: bool


def ensure(values: Mapping[str, str]) -> None:
    """Have SERVER_IMAGE on this machine. Raises UsageError if it is not and can't be pulled."""
    image = values.get(user_server.IMAGE)
    if image and not base_image.have(image):
        raise UsageError(
            f"{user_server.IMAGE}={image} is not on this machine and can't be pulled: check the name and the network"
        )


def name(values: Mapping[str, str], tag: str) -> str:
    """Return the name of the image; `tag` is that of the lab's images."""
    return values.get(user_server.IMAGE) or f"{BUILT}:{tag}"


def inspect(client: docker.DockerClient, image: str, values: Mapping[str, str]) -> ServerImage:
    """Return what the image says about itself. Raises UsageError if nobody says which port its server listens on."""
    config: Mapping[str, Any] = client.images.get(image).attrs.get("Config") or {}
    port = user_server.listen(values)[0] or _only_port(config.get("ExposedPorts") or {}, values)
    user = str(config.get("User") or "").partition(":")[0]
    return ServerImage(image, port, user in _ROOT)


def _only_port(exposed: Mapping[str, object], values: Mapping[str, str]) -> int:
    ports = sorted(int(port) for port, _, kind in (each.partition("/") for each in exposed) if kind in ("", "tcp"))
    if len(ports) == 1:
        return ports[0]
    said = f"it names several ports, {', '.join(map(str, ports))}" if ports else "its image names no port (EXPOSE)"
    raise UsageError(
        f"{user_server.description(values)}: {said}; say which one it listens on, as in "
        f"{user_server.LISTEN}={ports[0] if ports else 7000}"
    )
