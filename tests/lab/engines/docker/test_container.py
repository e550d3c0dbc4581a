from pathlib import Path
from typing import Any

import docker
import pytest

from lab.engines.docker import container as container_module
from lab.engines.docker.container import SERVER_LINE, ContainerPart
from lab.errors import LabError
from tests.support.fake_sdk import Container
from tests.support.server_process import run_server


def _part(service: str = "server", status: str = "exited", **state: Any) -> ContainerPart:
    return ContainerPart(Container(service, status=status, **state))


def test_name_and_role() -> None:
    part = _part("worker")
    assert (part.name, part.role) == ("holdfast-ci-x-worker-1", "worker")


@pytest.mark.parametrize(
    ("status", "code"), [("running", None), ("created", None), ("exited", 3), ("dead", 3), ("restarting", 3)]
)
def test_a_container_has_an_exit_code_while_it_does_not_run(status: str, code: int | None) -> None:
    assert _part(status=status, ExitCode=3).exit_code() == code


def test_a_container_that_is_looked_at_again_may_have_ended() -> None:
    container = Container("master", status="running")

    def end() -> None:
        container.status = "exited"

    container.on_reload = end
    part = ContainerPart(container)
    assert part.exit_code() is None
    part.refresh()
    assert part.exit_code() == 0


@pytest.mark.parametrize(
    ("status", "state", "problem"),
    [
        ("running", {}, ""),
        ("running", {"Health": {"Status": "healthy"}}, ""),
        ("running", {"Health": {"Status": "unhealthy"}}, "holdfast-ci-x-server-1 is unhealthy"),
        ("exited", {}, "holdfast-ci-x-server-1 is exited"),
    ],
)
def test_the_problem_of_a_container(status: str, state: dict[str, Any], problem: str) -> None:
    part = _part(status=status, **state)
    assert (part.problem(), part.has_failed()) == (problem, bool(problem))


def test_a_restarted_container_has_failed_while_it_runs() -> None:
    container = Container("server", status="running")
    container.attrs["RestartCount"] = 1
    assert (ContainerPart(container).problem(), ContainerPart(container).has_failed()) == ("", True)


@pytest.mark.parametrize(
    ("status", "code", "restarts", "log", "refused_it"),
    [
        ("exited", 2, 0, "", True),
        ("restarting", 2, 3, "", True),
        ("running", 0, 3, "listening\nholdfast server: --port 1: no\n", True),
        ("running", 0, 0, "holdfast server: --port 1: no\n", False),
        ("running", 0, 3, "holdfast server listening\n", False),
        ("exited", 1, 0, "holdfast server: --port 1: no\n", False),
    ],
)
def test_a_setting_that_was_refused_shows_in_the_exit_code_or_while_restarting_in_the_log(
    status: str, code: int, restarts: int, log: str, refused_it: bool
) -> None:
    container = Container("server", status=status, ExitCode=code)
    container.attrs["RestartCount"], container.text = restarts, log.encode()
    assert ContainerPart(container).refused_a_setting() is refused_it


def test_the_server_writes_the_line_that_is_looked_for_when_it_refuses_a_setting() -> None:
    """A text interface: while a container is restarted, its exit code is gone."""
    done = run_server("--port", "x")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(SERVER_LINE)


def test_a_container_that_was_removed_meanwhile_has_no_log() -> None:
    container = Container("master")

    def logs(**_: object) -> Any:
        raise docker.errors.NotFound("no such container")

    container.logs = logs  # type: ignore[method-assign]
    assert ContainerPart(container).log() == ""


def test_the_log_comes_in_pieces_until_the_container_is_gone() -> None:
    container = Container("master")
    assert b"".join(ContainerPart(container).output()) == container.text

    def logs(**_: object) -> Any:
        yield b"one\n"
        raise docker.errors.NotFound("gone")

    container.logs = logs  # type: ignore[method-assign]
    assert list(ContainerPart(container).output()) == [b"one\n"]


def test_the_ports_that_it_publishes() -> None:
    container = Container("master")
    container.ports = {"8089/tcp": [{"HostIp": "127.0.0.1", "HostPort": "4711"}], "8090/tcp": None}
    assert ContainerPart(container).ports() == {4711}


def test_files_are_copied_and_stay_inside_the_folder(tmp_path: Path) -> None:
    container = Container("master")
    container.files = {"runs/verdict.json": b"{}", "runs/../outside": b"x", "runs/deep/er.txt": b"y"}
    ContainerPart(container).copy_files("/runs", tmp_path / "run")
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == [
        "run/deep/er.txt",
        "run/verdict.json",
    ]


def test_a_folder_that_is_not_there_copies_nothing(tmp_path: Path) -> None:
    ContainerPart(Container("master")).copy_files("/runs", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_limits_and_use_of_a_container() -> None:
    container = Container("server", status="running")
    container.attrs["HostConfig"] = {"Memory": 5, "CpuQuota": None}
    container.usage = {
        "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}},
        "memory_stats": {"usage": 100, "stats": {"inactive_file": 30}},
    }
    part = ContainerPart(container)
    assert (part.limit("Memory"), part.limit("CpuQuota"), part.limit("Other")) == (5, 0, 0)
    assert (part.cpu_seconds(), part.memory_bytes()) == (2.5, 70)


def test_container_that_was_removed_is_gone() -> None:
    container = Container("server", status="running")

    def removed() -> None:
        raise docker.errors.NotFound("no such container")

    assert not ContainerPart(container).gone()
    container.status = "exited"
    assert ContainerPart(container).gone()
    container.status, container.on_reload = "running", removed
    assert ContainerPart(container).gone()


class Busy(Container):
    """A container that the engine can't pause at once. `left`: how often it fails."""

    def __init__(self, left: int) -> None:
        super().__init__("server", status="running")
        self.left = left

    def pause(self) -> None:
        if self.left:
            self.left -= 1
            raise docker.errors.APIError("500 Server Error", explanation="unable to freeze")
        self.status = "paused"


def test_container_that_is_busy_is_paused_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_module, "FREEZE_AGAIN_S", 0.0)
    busy = Busy(2)
    ContainerPart(busy).freeze()
    assert busy.status == "paused"


def test_container_that_can_not_be_paused_is_an_error_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_module, "FREEZE_AGAIN_S", 0.0)
    with pytest.raises(LabError, match=r"^holdfast-ci-x-server-1 could not be paused: unable to freeze$"):
        ContainerPart(Busy(99)).freeze()
