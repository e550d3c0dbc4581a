"""A server, a master and workers as one compose project.

compose creates and removes; health, logs, exit codes and artefacts are read through the Docker SDK.
"""

import contextlib
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import docker

from lab import page_client
from lab.engines.deployment import Deployment
from lab.engines.docker import base_image, compose, page_runs, watch
from lab.engines.docker.client import FAILURES
from lab.engines.docker.container import ContainerPart
from lab.engines.docker.ended_containers import RUNS, EndedContainers
from lab.engines.docker.user_server import image as server_image
from lab.engines.docker.user_server import usage
from lab.errors import LabError, writing
from lab.progress import say, step
from lab.settings import Settings
from lab.user_server import settings as user_server
from lab.waiting import wait_for

PROJECT_LABEL = "com.docker.compose.project"
LEFT_S = 20.0  # for containers that compose has not removed
READY_S = 60.0  # for a server that is started again
_METRICS = (
    "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:8687/metrics', timeout=5).read().decode())"
)
_CONNECT = "import socket; socket.create_connection(('server', {}), timeout=2).close()"


class DockerDeployment(Deployment):
    """The containers of the project `name`. `publish`: on ports of 127.0.0.1; `built` is called after a build."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        client: docker.DockerClient,
        *,
        publish: bool,
        built: Callable[[], object],
    ) -> None:
        super().__init__(settings)
        self._name = name
        self._client = client
        self._publish = publish
        self._built = built
        self._project: compose.Project | None = None
        self._ended = EndedContainers()
        self._relay: usage.Relay | None = None

    def parts(self) -> list[ContainerPart]:
        """Return the containers that are there, by name."""
        return self._parts()

    def _parts(self, **more: Any) -> list[ContainerPart]:
        filters = {"label": f"{PROJECT_LABEL}={self._name}", **more}
        found = self._client.containers.list(all=True, filters=filters, ignore_removed=True)
        return sorted(map(ContainerPart, found), key=lambda part: part.name)

    def prepare(self) -> None:
        """Have the base image, and build the lab's images."""
        server_image.ensure(self.settings.values)
        base = base_image.ensure(self.settings["BASE_IMAGE"])
        self._project = compose.Project(self._name, self.settings, base, publish=self._publish)
        self._project.watched = self._publish and self.settings.watched and self._can_watch()
        self._project.write()
        with step(f"Building the images from {base.image} (about a minute when nothing is cached)"):
            try:
                self._project.build()
            except BaseException:
                if not self._publish:  # the files of `up` may be those of a lab that still runs
                    self._project.forget()
                raise
            self._built()
        if user_server.in_container(self.settings.values):
            found = server_image.inspect(self._client, self._project.server_image, self.settings.values)
            self._project.server = found
            self._project.write()

    def _can_watch(self) -> bool:
        """Return whether Prometheus and Grafana can be started, and say where they are or what to do instead."""
        if image := watch.missing():
            say(f"No Grafana: {image} can't be pulled. With a Prometheus of your own, {self.settings.scrape}.")
            return False
        if int(self.settings["WATCH_PORT"]) not in self.published_ports():
            page_client.check_free("WATCH_PORT", self.settings["WATCH_PORT"])
        say(f"Grafana: http://127.0.0.1:{self.settings['WATCH_PORT']}")
        return True

    def published_ports(self) -> set[int]:
        """Return the ports of 127.0.0.1 that its containers use."""
        return set().union(*(part.ports() for part in self.parts()))

    def start(self) -> None:
        """Start all containers."""
        assert self._project, "prepare() comes first"
        try:
            self._project.up()
        except LabError as error:
            self.check_settings()
            self.check_ended()
            # A container that has failed need not be what compose failed at.
            raise LabError(str(error), "\n".join(filter(None, (self.evidence().rstrip(), error.evidence)))) from None
        if self.settings.user_server and self._publish:
            usage.leave_behind(self._name, self._project.folder)
        elif self.settings.user_server:
            self._relay = usage.Relay(self._name)

    def stop(self) -> None:
        """Stop and remove all containers of the project, its networks and volumes."""
        self._stop_relay()
        if not self._project:
            self._project = compose.Project(self._name, self.settings)
            self._project.write()
        with step("Removing the lab's containers", every=30):
            self._project.down()
            self._remove_left()

    def _stop_relay(self) -> None:
        if self._relay:
            self._relay.stop()

    def _remove_left(self) -> None:
        """Remove what compose has left: a container that keeps restarting can start while compose removes it."""
        deadline = time.monotonic() + LEFT_S
        while left := self.parts():
            for part in left:
                part.remove()
            if time.monotonic() > deadline:
                raise LabError(f"these containers could not be removed: {', '.join(part.name for part in left)}")
            time.sleep(0.1)

    def bring_home(self, runs: Path, known: Collection[str], *, end: bool = False) -> list[str]:
        """Copy the artefacts of finished runs out of the master, each run into a folder of its own below `runs`."""
        found: list[str] = []
        for part in self.parts():
            if part.role == "master":
                try:
                    if end:
                        part.stop()
                    found += page_runs.bring_home(part.files("/runs"), runs, known)
                except docker.errors.APIError as error:  # nothing that another try would mend
                    say(f"Artefacts of runs from the page could not be copied: {error}")
        return found

    def look(self) -> None:
        """Tell the master which of the others have ended. An engine that fails here must not end the run."""
        with contextlib.suppress(*FAILURES):
            # Nearly always none: one question to the engine.
            self._ended.note(self._parts(status="exited"), user_server=bool(self.settings.user_server))
            for part in self.parts() if self._ended.is_news else ():
                if part.role == "master":
                    self._ended.tell(part)

    def tell(self, name: str, content: str) -> None:
        """Put a file into the volume of the master."""
        for part in self.parts():
            if part.role == "master":
                part.put_file(RUNS, name, content.encode())

    def kill_server(self, killed: Callable[[], None] = lambda: None) -> None:
        """Kill its container."""
        server = self._server()
        server.kill()
        killed()
        wait_for("the end of the server", lambda: self._server().exit_code() is not None, LEFT_S)

    def restart_server(self) -> None:
        """Start its container, and wait until it is healthy; a server of the user's own has to listen."""
        self._server().start()
        if self.settings.user_server:
            wait_for("the server", self._listens, user_server.wait_s(self.settings.values))
        else:
            wait_for("the server", lambda: self._server().health() == "healthy", READY_S)

    def _listens(self) -> bool:
        """Whether the master reaches the user's server, which has no health check."""
        assert self._project
        assert self._project.server, "prepare() comes first"
        (master,) = (part for part in self.parts() if part.role == "master")
        try:
            master.execute("python", "-ISc", _CONNECT.format(self._project.server.port))
        except LabError:
            return False
        return True

    def server_metrics(self) -> str:
        """Ask its admin port from inside."""
        return self._server().execute("python", "-ISc", _METRICS)

    def signal_server(self, pid: int, number: int) -> None:
        """Send the signal from inside: it is a pid of the container."""
        self._server().execute("python", "-ISc", f"import os; os.kill({pid}, {number})")

    def _server(self) -> ContainerPart:
        return next(part for part in self.parts() if part.role == "server")

    def about(self) -> dict[str, Any]:
        """Return the version of the engine and the images of the containers; {} if the engine does not answer."""
        try:
            images = {part.role: part.image() for part in self.parts()}
            return {"engine_version": self._client.version().get("Version", ""), "images": images}
        except FAILURES:
            return {}

    def collect(self, folder: Path) -> None:
        """Write the logs into `folder`, and copy the master's artefacts there."""
        self._stop_relay()
        with writing(folder):
            (folder / "logs").mkdir(parents=True, exist_ok=True)
            for part in self.parts():
                (folder / "logs" / f"{part.name}.log").write_text(part.log())
                if part.role == "master":
                    # A master that is still there was interrupted: it gets its stop signal and writes its report.
                    part.stop()
                    part.copy_files("/runs", folder)
                    (folder / usage.NAME).unlink(missing_ok=True)
