"""The lab in containers: one compose project for the page, a fresh one for every run.

Whatever happens in between, a run's own project is removed at its end.
"""

import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import docker

from lab import folders, procfs
from lab.engines import identity
from lab.engines.base import Engine
from lab.engines.deployment import Deployment
from lab.engines.docker import base_image, client, mounts
from lab.engines.docker.deployment import DockerDeployment
from lab.engines.identity import FOLDER_LABEL, LAB_LABEL, PROJECT_LABEL
from lab.engines.journal import Entry
from lab.errors import LabError, UsageError
from lab.settings import Settings, is_loopback
from lab.waiting import wait_for
from rawsocket.settings.endpoints import host
from rawsocket.settings.suggestion import suggestion

# compose's own, on containers: the folder of the file that it was called with.
WORKING_DIR = "com.docker.compose.project.working_dir"
# How the project of a run ends (lab/run/command.py): its verb and its time, then the process id of its lab.
RUN = re.compile(r"-(load|ci|drill)-(\d{8}t\d{6}z)-\d+$")
STAGE_LABEL = "holdfast.stage"

# Untagged images are those that a newer build of this folder has replaced, and what the engine's own builder has beside
# them: the build stages, which are its cache, and the steps of a build that is under way, in this folder or another. On
# the fallback base all of them have the lab's label, so only the folder's label tells which ones nobody needs.
_WITHOUT_FOLDER = (PROJECT_LABEL, STAGE_LABEL)
PRUNE_S = 60.0


class DockerEngine(Engine):
    """Runs labs in containers."""

    name = "docker"
    poll_s = 0.5

    def __init__(self, settings: Settings, folder: Path | None = None) -> None:
        super().__init__(settings, folder)
        self._client = client.connect()

    def lab(self) -> DockerDeployment:
        """Return the lab that `up` starts: published on 127.0.0.1, in the project of this folder."""
        return self._deployment(identity.project(), publish=True)

    def lab_of_run(self, name: str, folder: Path) -> DockerDeployment:
        """Return a lab that publishes nothing, in a project of its own."""
        return self._deployment(name, publish=False)

    def check(self) -> None:
        """Raise UsageError for what containers can't reach or read: a NETWORK, files, this machine's loopback."""
        name = mounts.unreadable(self.settings.values) if sys.platform.startswith("linux") else ""
        if name:
            raise UsageError(
                f"{name}={self.settings[name]}: only its owner may read it, and containers run as another user: "
                "let others read it (chmod o+r), or use ENGINE=native"
            )
        for name in self.settings.asked_by_master:
            if is_loopback(host(self.settings[name])):
                raise UsageError(
                    f"{name}={self.settings[name]}: this machine's loopback is out of a container's reach; "
                    "use host.docker.internal, or ENGINE=native"
                )
        network = self.settings["NETWORK"]
        names = sorted(str(found.name) for found in self._client.networks.list()) if network else []
        if network and network not in names:
            raise UsageError(
                f"NETWORK={network}: the Docker engine has no such network{suggestion(network, names)}; "
                f"it has {', '.join(names)}"
            )

    def run(
        self,
        name: str,
        relay: Callable[[str], None],
        folder: Path,
        beside: Callable[[Deployment], AbstractContextManager[None]] = lambda lab: nullcontext(),
    ) -> int:
        """Run headless; raises LabError if the engine was restarted or has gone away meanwhile."""
        try:
            return super().run(name, relay, folder, beside)
        except UsageError:
            raise
        except (LabError, *client.FAILURES) as error:
            if why := client.gone(self._client):
                raise LabError(f"the Docker engine went away during the run ({why}): {self._what_is_left()}") from None
            if isinstance(error, client.CUT_OFF):
                raise LabError(f"the Docker engine failed during the run, or was restarted: {error}") from None
            raise

    def _what_is_left(self) -> str:
        return f"start it; the next run, or `{folders.command('clean')}`, removes what is left"

    def abandoned(self) -> list[Entry]:
        """Return the runs whose lab has ended: those written down, and those whose record was removed with .lab/."""
        known = {entry.name for entry in self.journal.entries()}
        gone = {
            str(each.labels[PROJECT_LABEL])
            for each in self._containers(f"{FOLDER_LABEL}={folders.work()}")
            if LAB_LABEL in each.labels and procfs.gone(each.labels[LAB_LABEL])
        }
        return self.journal.abandoned() + [Entry(name, self._artefacts(name)) for name in sorted(gone - known)]

    def _artefacts(self, name: str) -> Path:
        run = RUN.search(name)
        return self.runs / (f"{run[2].upper()}-{run[1]}" if run else name)

    def others(self) -> list[str]:
        """Return a line for each lab of another folder."""
        found: dict[tuple[str, str], int] = {}
        ours = str(folders.work())
        for container in self._containers(PROJECT_LABEL):
            if ours not in (container.labels.get(FOLDER_LABEL), container.labels.get(WORKING_DIR)):
                key = container.labels[PROJECT_LABEL], container.labels.get(FOLDER_LABEL) or "compose alone"
                found[key] = found.get(key, 0) + 1
        parts = sorted(found.items())
        return [f"{name}: a lab of another folder ({of}); containers: {count}" for (name, of), count in parts]

    def clean(self) -> list[str]:
        """Remove all containers, networks, volumes and images of this folder's labs. Gives their names."""
        removed = []
        ours = f"{FOLDER_LABEL}={folders.work()}"
        # compose alone knows its folder by a label of its own, on containers only.
        alone = {each.labels[PROJECT_LABEL] for each in self._containers(f"{WORKING_DIR}={folders.work()}")}
        wanted = [ours, *(f"{PROJECT_LABEL}={project}" for project in sorted(alone))]
        for label in wanted:
            for container in self._containers(label):
                container.remove(force=True)
                removed.append(f"container {container.name}")
            for network in self._client.networks.list(filters={"label": label}):
                network.remove()
                removed.append(f"network {network.name}")
            for volume in self._client.volumes.list(filters={"label": label}):
                volume.remove(force=True)
                removed.append(f"volume {volume.name}")
        return removed + self._remove_images(wanted)

    def _containers(self, label: str) -> list[Any]:
        filters: dict[str, Any] = {"label": label}
        return self._client.containers.list(all=True, filters=filters, ignore_removed=True)

    def _deployment(self, name: str, *, publish: bool) -> DockerDeployment:
        # If another lab's prune keeps an image from being removed now, the next build removes it.
        built = partial(self._prune, f"{FOLDER_LABEL}={folders.work()}")
        return DockerDeployment(name, self.settings, self._client, publish=publish, built=built)

    def _remove_images(self, labels: list[str]) -> list[str]:
        """Remove the images of these labels; once no lab has images any more, the base and the build stages as well."""
        tags = self._tags(*labels)
        others = set(self._tags(PROJECT_LABEL)) - set(tags)
        base = {tag for tag in others if tag in (base_image.FALLBACK, base_image.FALLBACK_BUILD)}
        last = others == base
        removed = []
        # The build image is built on the base: children first.
        for tag in [*sorted(tags, reverse=True), *(sorted(base, reverse=True) if last else ())]:
            self._client.images.remove(tag, force=True)
            removed.append(f"image {tag}")
        for label in (*labels, *(_WITHOUT_FOLDER if last else ())):
            wait_for("another prune of the engine to end", partial(self._prune, label), PRUNE_S)
        return removed

    def _tags(self, *labels: str) -> list[str]:
        found = [image for label in labels for image in self._client.images.list(filters={"label": label})]
        return [tag for image in found for tag in image.tags]

    def _prune(self, label: str) -> bool:
        """Remove untagged images of this label; False if the engine, which runs one prune at a time, is at another."""
        try:
            self._client.images.prune(filters={"dangling": True, "label": label})
        except docker.errors.APIError as error:
            if error.status_code != HTTPStatus.CONFLICT:
                raise
            return False
        return True
