"""The lab in containers: one compose project for the page, a fresh one for every run.

Whatever happens in between, a run's own project is removed at its end.
"""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import docker

from lab.engines.base import Engine
from lab.engines.docker import client
from lab.engines.docker.container import ContainerPart
from lab.engines.docker.deployment import DockerDeployment
from lab.settings import ROOT, Settings, from_environment
from lab.waiting import wait_for

LAB_LABEL = "holdfast.project"
STAGE_LABEL = "holdfast.stage"

# Untagged images: those that a newer build has replaced, and the build stages. The stages stay until `clean`: to the
# engine's own builder they are the cache, and on the fallback base they have the lab's label as well.
_REPLACED = {"dangling": True, "label": LAB_LABEL, "label!": STAGE_LABEL}
_STAGES = {"dangling": True, "label": STAGE_LABEL}
PRUNE_S = 60.0


class DockerEngine(Engine):
    """Runs labs in containers."""

    name = "docker"
    poll_s = 0.5

    def __init__(self, settings: Settings, folder: Path = ROOT / ".lab") -> None:
        super().__init__(settings, folder)
        self._client = client.connect()

    def lab(self) -> DockerDeployment:
        """Return the lab that `up` starts: published on 127.0.0.1, in the project HOLDFAST_PROJECT."""
        return self._deployment(from_environment("HOLDFAST_PROJECT"), publish=True)

    def lab_of_run(self, name: str, folder: Path) -> DockerDeployment:
        """Return a lab that publishes nothing, in a project of its own."""
        return self._deployment(name, publish=False)

    def status(self) -> list[str]:
        """Return one line for each container of any lab."""
        found = self._client.containers.list(all=True, filters={"label": LAB_LABEL}, ignore_removed=True)
        return [f"{c.name:40} {c.status:10} {ContainerPart(c).health():10} {c.labels[LAB_LABEL]}" for c in found]

    def clean(self) -> list[str]:
        """Remove everything that has the lab's label: containers, networks, volumes, images. Gives their names."""
        removed = []
        ours: dict[str, str | list[str] | bool] = {"label": LAB_LABEL}
        for container in self._client.containers.list(all=True, filters=ours, ignore_removed=True):
            container.remove(force=True)
            removed.append(f"container {container.name}")
        for network in self._client.networks.list(filters=ours):
            network.remove()
            removed.append(f"network {network.name}")
        for volume in self._client.volumes.list(filters=ours):
            volume.remove(force=True)
            removed.append(f"volume {volume.name}")
        return removed + self._remove_images()

    def _deployment(self, name: str, *, publish: bool) -> DockerDeployment:
        # If another lab's prune keeps an image from being removed now, the next build removes it.
        built = partial(self._prune, _REPLACED)
        return DockerDeployment(name, self.settings, self._client, publish=publish, built=built)

    def _remove_images(self) -> list[str]:
        removed = []
        # The build image is built on the base: children first.
        tags = [tag for image in self._client.images.list(filters={"label": LAB_LABEL}) for tag in image.tags]
        for tag in sorted(tags, reverse=True):
            self._client.images.remove(tag, force=True)
            removed.append(f"image {tag}")
        for filters in (_REPLACED, _STAGES):
            wait_for("another prune of the engine to end", partial(self._prune, filters), PRUNE_S)
        return removed

    def _prune(self, filters: Mapping[str, Any]) -> bool:
        """Remove untagged images; False if the engine already prunes, for another lab: it runs one prune at a time."""
        try:
            self._client.images.prune(filters=dict(filters))
        except docker.errors.APIError as error:
            if error.status_code != HTTPStatus.CONFLICT:
                raise
            return False
        return True
