"""As much of the Docker SDK and of compose as the lab uses, without an engine. Real ones are in tests/containers."""

import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker

from lab.engines import identity
from lab.settings import ROOT

RUN = "holdfast-ci-x"
UP = identity.project()


class Container:
    """As much of the SDK's container as the lab uses."""

    def __init__(self, service: str, project: str = RUN, status: str = "exited", number: int = 1, **state: Any) -> None:
        self.name = f"{project}-{service}-{number}"
        self.status = status
        self.labels = {
            "com.docker.compose.project": project,
            "com.docker.compose.service": service,
            "com.docker.compose.container-number": str(number),
            "holdfast.project": project,
            "holdfast.folder": str(ROOT),
        }
        self.id = f"id-of-{service}-{number}"
        self.attrs: dict[str, Any] = {
            "State": {"ExitCode": 0, **state},
            "Config": {"Env": ["HOLDFAST_SERVER=tcp://s:1"]},
        }
        self.ports: dict[str, Any] = {}
        self.text = f"{service} says hello\n".encode()
        self.files: dict[str, bytes] = {}
        self.did: list[str] = []
        self.usage: dict[str, Any] = {}
        self.on_reload: Callable[[], None] = lambda: None
        self.on_stop: Callable[[], None] = lambda: None

    def logs(self, *, stream: bool = False, **_: Any) -> Any:
        return iter([self.text[:5], self.text[5:]]) if stream else self.text

    def stats(self, *, stream: bool) -> dict[str, Any]:
        return self.usage

    def reload(self) -> None:
        self.on_reload()

    def stop(self, timeout: float) -> None:
        self.did.append("stop")
        self.on_stop()

    def remove(self, force: bool) -> None:
        self.did.append("remove")
        self.status = "removed"

    def put_archive(self, path: str, data: bytes) -> bool:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                content = archive.extractfile(member)
                assert content
                assert member.mode & 0o4, "every user may read it"
                self.files[f"{path.strip('/')}/{member.name}"] = content.read()
        return True

    def get_archive(self, path: str) -> tuple[Iterator[bytes], dict[str, Any]]:
        if not self.files:
            raise docker.errors.NotFound("no such path")
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for name, content in self.files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return iter([out.getvalue()]), {}


class Client:
    """As much of the SDK's client as the lab uses: containers, and images as far as they are pruned."""

    def __init__(self) -> None:
        self.all: list[Container] = []
        self.pruned: list[dict[str, Any]] = []
        self.containers = self
        self.images: Any = self
        self.networks: Any = self
        self.volumes: Any = self

    def ping(self) -> bool:
        return True

    def version(self) -> dict[str, str]:
        return {"Version": "29.1"}

    def prune(self, *, filters: dict[str, Any]) -> None:
        self.pruned.append(filters)

    def list(self, *, filters: dict[str, str], **_: Any) -> list[Container]:
        name, _, value = filters["label"].partition("=")
        found = [c for c in self.all if name in c.labels and (not value or c.labels[name] == value)]
        return [c for c in found if c.status == filters.get("status", c.status) != "removed"]


class Project:
    """A compose project that records its calls."""

    made: list["Project"]
    failing: dict[str, BaseException]

    def __init__(self, name: str, settings: object, base: object = None, *, publish: bool = True) -> None:
        self.name, self.base, self.publish = name, base, publish
        self.watched = False
        self.server: object = None
        self.server_image = "theirs:1"
        self.folder = Path("nowhere")
        self.asked: list[str] = []
        Project.made.append(self)

    def _ask(self, verb: str) -> None:
        self.asked.append(verb)
        if error := Project.failing.pop(verb, None):
            raise error

    def write(self) -> None:
        self._ask("write")

    def build(self) -> None:
        self._ask("build")

    def up(self) -> None:
        self._ask("up")

    def down(self) -> None:
        self._ask("down")

    def forget(self) -> None:
        self.asked.append("forget")
