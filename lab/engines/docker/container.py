"""One container of a lab: its state, its log, its files, as the Docker SDK shows them."""

import contextlib
import io
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, cast

import docker
from docker.models.containers import Container

from lab.engines.part import Part
from lab.errors import EXIT_USAGE, LabError, last_lines

SERVICE_LABEL = "com.docker.compose.service"
NUMBER_LABEL = "com.docker.compose.container-number"
STOPPED = ("exited", "dead", "restarting")
# The server's name before the line that says which setting it can't use (server/__main__.py).
SERVER_LINE = "holdfast server: "
STOP_S = 25
# On a busy machine the kernel gave up a freeze of a drill ("unable to freeze"). Four tries are spread over a second.
FREEZES, FREEZE_AGAIN_S = 4, 0.25


class ContainerPart(Part):
    """A container of a lab."""

    def __init__(self, container: Container) -> None:
        self.name = container.name or ""
        self.role = str(container.labels.get(SERVICE_LABEL))
        self._container = container

    @property
    def service(self) -> str:
        """Its name in its lab: server, worker-2."""
        return self.role if self.role != "worker" else f"{self.role}-{self._container.labels.get(NUMBER_LABEL, 1)}"

    @property
    def id(self) -> str:
        """Its id in the engine."""
        return str(self._container.id)

    def environment(self, name: str) -> str:
        """Return a variable that it was started with, "" if it was not."""
        given: list[str] = self._container.attrs["Config"].get("Env") or []
        return next((text.partition("=")[2] for text in given if text.startswith(f"{name}=")), "")

    def label(self, name: str) -> str:
        """Return one of its labels, "" if it has none of this name."""
        return str(self._container.labels.get(name, ""))

    def refresh(self) -> None:
        """Ask the engine for its state."""
        self._container.reload()

    def exit_code(self) -> int | None:
        """Return its exit code, the last one if it is restarted again and again; None while it runs."""
        state = self._container.attrs["State"]
        return int(state.get("ExitCode", 0)) if self._container.status in STOPPED else None

    def lacked_memory(self) -> bool:
        """Whether the kernel has killed it because it used more than its limit of memory."""
        return bool(self._container.attrs["State"].get("OOMKilled"))

    def log(self, lines: int | None = None) -> str:
        """Return its log so far, or the last `lines` of it; "" if it was removed meanwhile."""
        tail: int | Literal["all"] = "all" if lines is None else lines
        try:
            return self._container.logs(timestamps=False, tail=tail).decode(errors="replace")
        except docker.errors.NotFound:
            return ""

    def output(self) -> Iterator[bytes]:
        """Yield its log as it is written, until it has ended or is removed."""
        try:
            yield from self._container.logs(stream=True, follow=True)
        except (docker.errors.DockerException, OSError):
            return

    def problem(self) -> str:
        """Say that it has stopped or is unhealthy, "" while it runs."""
        if self._container.status in STOPPED or self.health() == "unhealthy":
            return f"{self.name} is {self.health() or self._container.status}"
        return ""

    def has_failed(self) -> bool:
        """Whether its log may say why the lab does not start: it does not run, or was restarted."""
        return self._restarted() or self._container.status != "running" or bool(self.problem())

    def refused_a_setting(self) -> bool:
        """Whether it has ended because of a setting that it can't use.

        While a server is restarted again and again, its exit code is there only in between; its log always is.
        """
        if self.exit_code() is not None:
            return self.exit_code() == EXIT_USAGE
        return self._restarted() and last_lines(self.log(), 1).startswith(SERVER_LINE)

    def health(self) -> str:
        """Return what its health check says, "" if it has none."""
        return str(self._container.attrs["State"].get("Health", {}).get("Status", ""))

    def image(self) -> str:
        """Return the digest of its image."""
        return str(self._container.attrs.get("Image", ""))

    def ports(self) -> set[int]:
        """Return the ports of this machine that it publishes."""
        published = [binding for bindings in self._container.ports.values() for binding in bindings or []]
        return {int(binding["HostPort"]) for binding in published}

    def stop(self) -> None:
        """Send it its stop signal and wait until it has ended."""
        self._container.stop(timeout=STOP_S)

    def freeze(self) -> None:
        """Pause it; the kernel may not manage that at once while it is busy."""
        for attempt in range(1, FREEZES + 1):
            try:
                self._container.pause()
                return
            except docker.errors.APIError as error:
                if attempt == FREEZES:
                    raise LabError(f"{self.name} could not be paused: {error.explanation or error}") from None
            time.sleep(FREEZE_AGAIN_S)

    def thaw(self) -> None:
        """Let it go on; one that is not paused is no error."""
        with contextlib.suppress(docker.errors.APIError):
            self._container.unpause()

    def is_frozen(self) -> bool:
        """Whether it is paused."""
        self.refresh()
        return self._container.status == "paused"

    def gone(self) -> bool:
        """Whether it has ended, or was removed."""
        try:
            self.refresh()
        except docker.errors.NotFound:
            return True
        return super().gone()

    def kill(self) -> None:
        """Kill it; the engine does not start it again."""
        self._container.kill("SIGKILL")

    def thaw_by_others(self) -> list[dict[str, object]]:
        """Return its id."""
        return [{"kind": "unpause", "container": self._container.id}]

    def limit(self, name: str) -> int:
        """Return a limit as the engine has it now, by its name there (CpuQuota, Memory, MemorySwap)."""
        self.refresh()
        return int(self._container.attrs["HostConfig"].get(name) or 0)

    def cpu_seconds(self) -> float:
        """Return the CPU time that its processes have used."""
        return float(self._usage()["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9

    def memory_bytes(self) -> int:
        """Return the memory that its processes use, without files that the kernel may forget."""
        memory = self._usage()["memory_stats"]
        return int(memory["usage"]) - int(memory.get("stats", {}).get("inactive_file", 0))

    def _usage(self) -> dict[str, Any]:
        return cast(dict[str, Any], self._container.stats(stream=False))

    def start(self) -> None:
        """Start it again after it was killed."""
        self._container.start()

    def execute(self, *command: str) -> str:
        """Run a command in it, as its own user; return what it prints. Raises LabError if it fails."""
        code, output = self._container.exec_run(list(command))
        said = output.decode(errors="replace") if isinstance(output, bytes) else ""
        if code:
            raise LabError(f"{self.name}: a command in it ended with {code}", said)
        return said

    def remove(self) -> None:
        """Kill and remove it. One that is gone, or is being removed, is no error."""
        with contextlib.suppress(docker.errors.APIError):
            self._container.remove(force=True)

    def state(self) -> str:
        """Say how it is, with what its health check says."""
        return f"{self._container.status:<10} {self.health()}".rstrip()

    def copy_files(self, path: str, folder: Path) -> None:
        """Copy the files below `path` out of it; they belong to the caller."""
        for relative, content in self.files(path):
            (folder / relative).parent.mkdir(parents=True, exist_ok=True)
            (folder / relative).write_bytes(content)

    def put_file(self, path: str, name: str, content: bytes) -> None:
        """Write a file that every user may read into the folder `path`, which is in a volume."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as made:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            made.addfile(member, io.BytesIO(content))
        self._container.put_archive(path, archive.getvalue())

    def files(self, path: str) -> Iterator[tuple[Path, bytes]]:
        """Yield each file below `path`: its path from there, and its content."""
        try:
            stream, _ = self._container.get_archive(path)
        except docker.errors.NotFound:
            return
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
            for member in archive:
                content = archive.extractfile(member)
                relative = Path(*Path(member.name).parts[1:])
                if content and ".." not in relative.parts:
                    yield relative, content.read()

    def _restarted(self) -> bool:
        restarts: int = self._container.attrs.get("RestartCount", 0)
        return restarts > 0
