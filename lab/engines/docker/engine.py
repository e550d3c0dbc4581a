"""The lab in containers: one compose project for the page, a fresh one for every run.

compose starts and removes; health, logs, exit codes and artefacts are read through the docker SDK. Whatever
happens in between, a run's own project is removed at its end.
"""

import io
import os
import tarfile
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container

from lab import page
from lab.engines import choose as engine
from lab.engines.docker import base_image as base
from lab.engines.docker import compose
from lab.errors import EXIT_USAGE, LabError, last_lines, mistake, to_its_end
from lab.progress import SECOND, step
from lab.run import folder as runs
from lab.settings import Settings
from lab.waiting import wait_for

UP_PROJECT = os.environ.get("HOLDFAST_PROJECT") or "holdfast"
_PROJECT_LABEL = "com.docker.compose.project"
_SERVICE_LABEL = "com.docker.compose.service"
_HOUSE_LABEL = "holdfast.project"
_STAGE_LABEL = "holdfast.stage"

# Untagged images: those that a newer build has replaced, and the build stages. The stages stay until `clean`: to the
# engine's own builder they are the cache, and on the fallback base they have the lab's label as well.
_REPLACED = {"dangling": True, "label": _HOUSE_LABEL, "label!": _STAGE_LABEL}
_STAGES = {"dangling": True, "label": _STAGE_LABEL}
PRUNE_S = 60.0


class DockerLab:
    """Everything that the verbs do where an engine is at hand."""

    name = "docker"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = engine.client()

    def setup(self) -> None:
        """Have the base image and the lab's images."""
        self._built(UP_PROJECT, publish=True)

    def check(self) -> None:
        """Nothing: a TARGET's name need be known in the containers' networks only."""

    def up(self) -> str:
        """Start the lab and give the page's address."""
        for name in ("PAGE_PORT", "SERVER_PORT"):
            self._check_port(name)
        project = self._built(UP_PROJECT, publish=True)
        with step(f"Starting {self._settings.parts}"):
            self._started(project)
            address = f"http://127.0.0.1:{self._settings['PAGE_PORT']}"
            wait_for(
                f"the page at {address}",
                lambda: page.workers(address) >= self._settings.workers,
                timeout=90,
                died=lambda: self._dead(project.name),
                evidence=lambda: self._evidence(project.name),
            )
        return address

    def down(self) -> bool:
        """End the lab that `up` started. False if there was none."""
        return self._remove(UP_PROJECT)

    def running(self) -> bool:
        """Whether a lab that `up` started is there."""
        return bool(self._containers(UP_PROJECT))

    def run(self, name: str, relay: Callable[[str], None], folder: Path) -> int:
        """Run headless in a project of its own, artefacts into `folder`; gives the master's exit code."""
        project = self._built(name, publish=False)
        try:
            with step(f"Starting {self._settings.parts}"):
                self._started(project)
            return self._followed(name, relay)
        finally:
            try:
                self._bring_home(name, folder)
            finally:
                with step("Removing the run's containers", every=30):
                    to_its_end(project.down)

    def status(self) -> list[str]:
        """One line for each container of any lab."""
        found = self._client.containers.list(all=True, filters={"label": _HOUSE_LABEL}, ignore_removed=True)
        return [f"{c.name:40} {c.status:10} {_health(c):10} {c.labels[_HOUSE_LABEL]}" for c in found]

    def logs(self) -> list[tuple[str, str]]:
        """Name and log of each container that `up` started."""
        return [(c.name or "", _log(c)) for c in self._containers(UP_PROJECT)]

    def clean(self) -> list[str]:
        """Remove everything that carries the lab's label: containers, networks, volumes, images. Gives their names."""
        removed = []
        mine: dict[str, str | list[str] | bool] = {"label": _HOUSE_LABEL}
        for container in self._client.containers.list(all=True, filters=mine, ignore_removed=True):
            container.remove(force=True)
            removed.append(f"container {container.name}")
        for network in self._client.networks.list(filters=mine):
            network.remove()
            removed.append(f"network {network.name}")
        for volume in self._client.volumes.list(filters=mine):
            volume.remove(force=True)
            removed.append(f"volume {volume.name}")
        return removed + self._clean_images()

    def _clean_images(self) -> list[str]:
        removed = []
        # The twin of the base is built on the base: children first.
        tags = [tag for image in self._client.images.list(filters={"label": _HOUSE_LABEL}) for tag in image.tags]
        for tag in sorted(tags, reverse=True):
            self._client.images.remove(tag, force=True)
            removed.append(f"image {tag}")
        for filters in (_REPLACED, _STAGES):
            wait_for("another prune of the engine to end", partial(self._pruned, filters), PRUNE_S)
        return removed

    def _pruned(self, filters: Mapping[str, Any]) -> bool:
        """Remove untagged images; False if the engine is at it already, for another lab: it does one at a time."""
        try:
            self._client.images.prune(filters=dict(filters))
        except docker.errors.APIError as error:
            if error.status_code != HTTPStatus.CONFLICT:
                raise
            return False
        return True

    def _built(self, name: str, *, publish: bool) -> compose.Project:
        found = base.ensure(self._settings["BASE_IMAGE"])
        project = compose.Project(name, self._settings, found, publish=publish)
        project.write()
        with step(f"Building the images from {found.image} (about a minute when nothing is cached)"):
            project.build()
            self._pruned(_REPLACED)  # What another lab's prune has kept from being removed now is removed next time.
        return project

    def _started(self, project: compose.Project) -> None:
        try:
            project.up()
        except LabError as error:
            self._demand_no_mistake(project.name)
            raise LabError(str(error), self._evidence(project.name) or error.evidence) from None

    def _followed(self, name: str, relay: Callable[[str], None]) -> int:
        begun = threading.Event()

        def watched(line: str) -> None:
            if SECOND.match(line):
                begun.set()
            relay(line)

        master = self._service(name, "master")
        follower = threading.Thread(target=_follow, args=(master, watched), daemon=True)
        follower.start()
        bound = runs.bound_s(self._settings)
        deadline = time.monotonic() + bound
        while master.status != "exited":  # polled, so that a signal is noticed at once
            if time.monotonic() > deadline:
                raise LabError(f"the run did not end within {bound:.0f} s", _log(master))
            if not begun.is_set():
                self._demand_no_mistake(name, "worker")
            time.sleep(0.5)
            master.reload()
        follower.join(timeout=10)
        return runs.exit_code(int(master.attrs["State"]["ExitCode"]))

    def _bring_home(self, name: str, folder: Path) -> None:
        logs = folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        for container in self._containers(name):
            (logs / f"{container.name}.log").write_text(_log(container))
            if container.labels.get(_SERVICE_LABEL) == "master":
                # A master that is still there was interrupted: it gets its stop signal and writes its report.
                container.stop(timeout=25)
                _extract(container, "/runs", folder)

    def _remove(self, name: str) -> bool:
        there = bool(self._containers(name))
        project = compose.Project(name, self._settings)
        project.write()
        with step("Stopping the lab's containers", every=30):
            project.down()
        return there

    def _containers(self, project: str) -> list[Container]:
        found: list[Container] = self._client.containers.list(
            all=True, filters={"label": f"{_PROJECT_LABEL}={project}"}, ignore_removed=True
        )
        return sorted(found, key=lambda container: container.name or "")

    def _service(self, project: str, service: str) -> Container:
        return next(c for c in self._containers(project) if c.labels.get(_SERVICE_LABEL) == service)

    def _demand_no_mistake(self, project: str, *services: str) -> None:
        """Raise UsageError if a container (of these services) has ended because of a setting that it can't use."""
        for container in self._containers(project):
            service = str(container.labels.get(_SERVICE_LABEL))
            if (not services or service in services) and _mistaken(container):
                raise mistake(service, _log(container))

    def _dead(self, project: str) -> str:
        self._demand_no_mistake(project)
        for container in self._containers(project):
            if container.status in ("exited", "dead", "restarting") or _health(container) == "unhealthy":
                return f"{container.name} is {_health(container) or container.status}"
        return ""

    def _evidence(self, project: str) -> str:
        """Give the log of the first container that failed, or that was started anew, and said something."""
        return next((log for c in self._containers(project) if _failed(c) and (log := _log(c))), "")

    def _check_port(self, name: str) -> None:
        port = self._settings[name]
        if name == "SERVER_PORT" and self._settings["TARGET"]:
            return
        owners = [c.name for c in self._containers(UP_PROJECT) if f"'HostPort': '{port}'" in str(c.ports)]
        if not owners:
            page.demand_free(name, port)


def _mistaken(container: Container) -> bool:
    """Whether it ended with 2. A server that is begun again and again shows that only in between, but in its log."""
    if container.status in ("exited", "dead", "restarting"):
        code: int = container.attrs["State"].get("ExitCode", 0)
        return code == EXIT_USAGE
    again = container.attrs.get("RestartCount", 0) > 0
    return again and last_lines(_log(container), 1).startswith("holdfast server: ")


def _failed(container: Container) -> bool:
    again = container.attrs.get("RestartCount", 0) > 0
    return again or container.status != "running" or _health(container) == "unhealthy"


def _health(container: Container) -> str:
    return str(container.attrs["State"].get("Health", {}).get("Status", ""))


def _log(container: Container) -> str:
    return container.logs(timestamps=False).decode(errors="replace")


def _follow(container: Container, relay: Callable[[str], None]) -> None:
    try:
        rest = b""
        for piece in container.logs(stream=True, follow=True):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                relay(line.decode(errors="replace").rstrip("\r"))
    except (docker.errors.DockerException, OSError):
        return  # the container is gone: its log has been told


def _extract(container: Container, path: str, folder: Path) -> None:
    """Copy the files below `path` out of a container; they belong to the caller."""
    try:
        stream, _ = container.get_archive(path)
    except docker.errors.NotFound:
        return
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        for member in archive:
            content = archive.extractfile(member)
            relative = Path(*Path(member.name).parts[1:])
            if content and ".." not in relative.parts:
                (folder / relative).parent.mkdir(parents=True, exist_ok=True)
                (folder / relative).write_bytes(content.read())
