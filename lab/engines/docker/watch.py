"""Prometheus and Grafana beside the lab (WATCH=yes), where their images can be had."""

import re
from typing import Any

from lab.engines.docker import base_image, compose_file
from lab.folders import ASSETS

FILE = "compose.watch.yaml"
DOCKERFILE = "lab/watch/Dockerfile"


def images() -> list[str]:
    """Return the images that ours are made from."""
    return re.findall(r"^FROM (\S+)", (ASSETS / DOCKERFILE).read_text(), re.M)


def missing() -> str:
    """Return the first image that is not on this machine and can't be pulled, "" if there are all."""
    return next((image for image in images() if not base_image.have(image)), "")


def add_to(source: dict[str, Any]) -> None:
    """Add both services to the content of compose.yaml."""
    source["services"] |= compose_file.parse((ASSETS / FILE).read_text())["services"]
