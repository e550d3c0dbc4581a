"""Calls compose for one project: v2 (`docker compose`) if it is installed, else v1 (`docker-compose`).

compose only creates and removes containers; their state is read through the Docker SDK.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from lab import folders, procfs
from lab.engines import build_context, identity
from lab.engines.deployment import cluster_key
from lab.engines.docker import compose_file as composefile
from lab.engines.docker import mounts, watch
from lab.engines.docker.base_image import Base
from lab.engines.docker.user_server import image as server_image
from lab.engines.docker.user_server import service as server_service
from lab.engines.docker.user_server.image import ServerImage
from lab.errors import LabError, interrupts_wait
from lab.settings import Settings, is_loopback
from lab.user_server import settings as user_server

BUILD_TIMEOUT = 1200.0
UP_TIMEOUT = 240.0
DOWN_TIMEOUT = 120.0
STOP_GRACE = 10.0


def command() -> list[str]:
    """Return the compose command of this machine. Raises LabError if there is none."""
    for candidate in (["docker", "compose"], ["docker-compose"]):
        try:
            done = subprocess.run([*candidate, "version"], capture_output=True, check=False)
        except FileNotFoundError:
            continue
        if done.returncode == 0:
            return candidate
    raise LabError("no compose found: install the compose plugin of Docker (`docker compose version` must work)")


class Project:
    """One compose project: its name, its derived file below .lab/, its environment."""

    def __init__(self, name: str, settings: Settings, base: Base | None = None, *, publish: bool = True) -> None:
        self.name = name
        self.folder = folders.work() / ".lab" / name
        self._settings = settings
        self._publish = publish
        self.watched = False  # with Prometheus and Grafana
        self.server: ServerImage | None = None  # the user's own, once its image is known
        self._base = base or Base("", "")
        self._command = command()
        self._cluster_key = cluster_key()

    def write(self) -> None:
        """Write the derived compose file."""
        work = folders.work()
        source = composefile.parse((folders.ASSETS / "compose.yaml").read_text())
        if self.watched:
            watch.add_to(source)
        derived = composefile.derive(
            source,
            composefile.Names(
                self.name,
                identity.tag(work),
                str(work),
                "" if self._publish else procfs.mark(),
                str(build_context.folder(self.folder)),
            ),
            publish=self._publish,
            own_server=not self._settings["TARGET"],
            build_image=self._base.build_image,
            network=self._settings["NETWORK"],
        )
        if user_server.in_container(self._settings.values):
            self._replace_server(derived)
        if self._settings.encrypted:
            composefile.encrypt(derived)
        if self._settings.asked_by_master:
            composefile.name_host(derived)
        mounts.mount(derived["services"], self._settings.values)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(derived, indent=1))

    def _replace_server(self, derived: composefile.Compose) -> None:
        values = self._settings.values
        server_service.build(derived, self.server_image, user_server.build_folder(values))
        if self.server:
            server_service.run(derived, self.server, values, user_server.wait_s(values))

    @property
    def server_image(self) -> str:
        """Name of the image of the user's own server."""
        return server_image.name(self._settings.values, identity.tag(folders.work()))

    @property
    def file(self) -> Path:
        """Path of the derived compose file."""
        return self.folder / "compose.json"

    def build(self) -> None:
        """Build the images. Raises LabError with the last lines of the build."""
        build_context.fill(build_context.folder(self.folder))
        self._call(["build"], "building the images failed", BUILD_TIMEOUT)

    def up(self) -> None:
        """Create and start everything, without waiting for the page."""
        scale = f"worker={self._settings.workers}"
        # Orphans: the server of an earlier lab without a target.
        options = ["--detach", "--no-build", "--remove-orphans", "--scale", scale]
        self._call(["up", *options], "starting the containers failed", UP_TIMEOUT)

    def down(self, *, volumes: bool = True) -> None:
        """Stop and remove everything of the project, its derived file last."""
        options = ["--remove-orphans", "--timeout", "20", *(["--volumes"] if volumes else [])]
        self._call(["down", *options], "removing the containers failed", DOWN_TIMEOUT)
        self.forget()

    def forget(self) -> None:
        """Remove its files."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _call(self, arguments: Sequence[str], failure: str, timeout: float) -> None:
        whole = [*self._command, "--project-name", self.name, "--file", str(self.file), *arguments]
        process = None
        try:
            with interrupts_wait():
                process = subprocess.Popen(
                    whole,
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    start_new_session=True,  # Ctrl-C must not reach compose, which would remove half of the project
                )
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            assert process
            raise LabError(f"{failure}: still running after {timeout:.0f} s", _end(process)) from None
        except BaseException:
            if process:
                _end(process)
            raise
        if process.returncode:
            raise LabError(failure, output)

    def _environment(self) -> Mapping[str, str]:
        settings = dict(self._settings.values)
        settings["BASE_IMAGE"] = self._base.image
        settings["PAGE_HOST"] = f"[{host}]" if ":" in (host := settings["PAGE_HOST"]) else host
        # lab/run/console.py reads the lines of a run.
        headless = {"HEADLESS": ""} if self._publish else {"HEADLESS": "true", "HOLDFAST_PROGRESS": "json"}
        # `docker-compose` 1.29 uses BuildKit only when asked to, and only where the buildx plugin is installed.
        whole = {
            **_proxies_in_both_spellings(_without_own_proxies(os.environ)),
            **settings,
            **headless,
            **self._cluster_key,
        }
        whole.pop("COMPOSE_IGNORE_ORPHANS", None)  # they are removed; 1.29 refuses both options together
        return whole


def _without_own_proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without proxies on this machine's loopback: from a build, nothing listens there."""
    return {
        name: text
        for name, text in environ.items()
        if not (name.lower().endswith("_proxy") and is_loopback(urlsplit(text).hostname or ""))
    }


def _proxies_in_both_spellings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with each proxy's name in capitals and in small letters.

    apt reads the small ones only. And docker-compose 1.29 gives a build an empty `https_proxy` where only HTTPS_PROXY
    is set: to pip that means no proxy.
    """
    found = {name: text for name, text in environ.items() if name.lower().endswith("_proxy") and text}
    return {
        **{spelt: text for name, text in found.items() for spelt in (name.upper(), name.lower())},
        **environ,
        **found,
    }


def _end(process: subprocess.Popen[str]) -> str:
    """Stop a compose call and its plug-in process, so that it creates no more containers; gives its output."""
    for number, grace in ((signal.SIGTERM, STOP_GRACE), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            return process.communicate(timeout=grace)[0]
        except subprocess.TimeoutExpired:
            continue
    return ""
