"""What the verbs ask of a Docker engine. A real one is asked in tests/lab/engines/test_contract.py."""

import os
import socket
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest
import requests

from lab import page_client, procfs
from lab.engines.docker.engine import DockerEngine
from lab.errors import Interrupted, LabError, UsageError
from lab.settings import ROOT, Settings, read
from tests.support.fake_sdk import RUN, UP, Client, Container, Project
from tests.support.ports import lab_ports


def test_a_build_removes_the_images_that_it_replaced_and_nothing_of_another_folder(
    engine: DockerEngine, client: Client
) -> None:
    """Without BuildKit, the steps of a build that goes on in another folder are untagged images as well."""
    engine.setup()
    assert client.pruned == [{"dangling": True, "label": f"holdfast.folder={ROOT}"}]


class _Busy:
    """Images of an engine that is pruning for somebody else, so many times."""

    def __init__(self, times: int, status: int = 409) -> None:
        self.left, self.status, self.done = times, status, 0

    def prune(self, *, filters: dict[str, Any]) -> None:
        if self.left:
            self.left -= 1
            raise docker.errors.APIError("busy", response=SimpleNamespace(status_code=self.status, reason=""))
        self.done += 1

    def list(self, **_: Any) -> list[Any]:
        return []


def test_a_prune_of_another_lab_does_not_fail_a_build(engine: DockerEngine, client: Client) -> None:
    client.images = _Busy(1)
    engine.setup()
    assert client.images.done == 0


def test_any_other_error_of_a_prune_fails_a_build(engine: DockerEngine, client: Client) -> None:
    client.images = _Busy(1, 500)
    with pytest.raises(docker.errors.APIError):
        engine.setup()


def test_clean_waits_for_the_prune_of_another_lab(engine: DockerEngine, client: Client) -> None:
    client.images, client.networks, client.volumes = _Busy(2), _Busy(0), _Busy(0)
    engine.clean()
    assert (client.images.left, client.images.done) == (0, 3)


def test_up_builds_starts_waits_and_gives_the_address(engine: DockerEngine) -> None:
    address = engine.up()
    assert address == f"http://127.0.0.1:{engine.settings['PAGE_PORT']}"
    (project,) = Project.made
    assert (project.name, project.publish, project.asked) == (UP, True, ["write", "build", "up"])


@pytest.mark.parametrize("name", ["PAGE_PORT", "SERVER_PORT"])
def test_a_taken_port_is_an_error_before_the_build(client: Client, name: str) -> None:
    free = lab_ports()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        with pytest.raises(LabError, match=rf"port {port} on 127.0.0.1 is taken .*`make up {name}=\.\.\.`"):
            DockerEngine(read({**free, name: port}, {})).up()
    assert Project.made == []


def test_a_taken_server_port_does_not_matter_with_a_target(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ports = {"PAGE_PORT": str(page_client.free_port()), "SERVER_PORT": str(listener.getsockname()[1])}
        DockerEngine(read({**ports, "TARGET": "tcp://10.0.0.5:9000"}, {})).up()


def test_a_port_of_the_lab_that_is_up_already_is_not_taken(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        master = Container("master", UP, "running")
        master.ports = {"8089/tcp": [{"HostIp": "127.0.0.1", "HostPort": port}]}
        client.all = [master]
        DockerEngine(read({"PAGE_PORT": port, "SERVER_PORT": str(page_client.free_port())}, {})).up()


def test_down_says_whether_a_lab_was_up(client: Client, engine: DockerEngine) -> None:
    assert not engine.running()
    assert engine.down() is False
    client.all = [Container("server", UP)]
    assert engine.running()
    assert engine.down() is True
    assert Project.made[-1].asked == ["write", "down"]


def test_status_says_where_the_page_is_and_how_each_part_is(
    client: Client, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_client, "state", lambda address: {"state": "running", "users": 1200, "held": 1100})
    client.all = [Container("server", UP, "running", Health={"Status": "healthy"}), Container("worker", UP)]
    engine.record.write(read({"PAGE_PORT": "8091"}, {}))
    assert engine.status() == [
        "The lab is up (docker): http://127.0.0.1:8091 (running, 1,200 users, 1,100 held)",
        f"{UP}-server-1  running    healthy",
        f"{UP}-worker-1  exited",
    ]
    monkeypatch.setattr(page_client, "state", lambda address: None)
    assert engine.status()[0] == "The page at http://127.0.0.1:8091 does not answer."


def test_status_names_labs_of_other_folders(client: Client, engine: DockerEngine) -> None:
    client.all = [Container("server", "one"), Container("master", "one"), Container("master", "two")]
    for container in client.all[:2]:
        container.labels["holdfast.folder"] = "/elsewhere"
    del client.all[2].labels["holdfast.folder"]  # compose alone
    assert engine.status() == [
        "one: a lab of another folder (/elsewhere); containers: 2",
        "two: a lab of another folder (compose alone); containers: 1",
    ]
    client.all[2].labels["com.docker.compose.project.working_dir"] = str(ROOT)
    assert len(engine.status()) == 1


def test_a_run_whose_record_is_gone_is_abandoned_once_its_lab_has_ended(client: Client, engine: DockerEngine) -> None:
    runs = [f"{UP}-ci-20261127t232330z-{pid}" for pid in (7, 8)]
    client.all = [Container("server", name, "running") for name in (*runs, UP)]
    for container, pid in zip(client.all, (0, os.getpid()), strict=False):  # none has pid 0
        container.labels["holdfast.lab"] = procfs.mark().replace(str(os.getpid()), str(pid), 1)
    assert engine.status()[-1].startswith(f"{runs[0]}: its lab was killed; `make down` removes what is left")
    assert engine.remove_abandoned() == runs[:1]
    assert (Project.made[-1].name, Project.made[-1].asked) == (runs[0], ["write", "down"])
    assert (engine.runs / f"20261127T232330Z-ci/logs/{runs[0]}-server-1.log").exists()


def test_status_brings_the_artefacts_of_finished_runs_home(client: Client, engine: DockerEngine) -> None:
    master = Container("master", UP, "running")
    master.files = {"runs/1-page/verdict.json": b"{}", "runs/2-page/.latency.hlog.7.part": b""}
    client.all = [master]
    engine.status()
    assert sorted(path.name for path in engine.runs.iterdir()) == ["1-page", "latest"]
    assert master.did == []


def test_down_ends_a_run_from_the_page_and_brings_its_artefacts_home(client: Client, engine: DockerEngine) -> None:
    master = Container("master", UP, "running")
    master.on_stop = lambda: master.files.update({"runs/1-page/verdict.json": b"{}"})
    client.all = [master]
    engine.down()
    assert (engine.runs / "latest/verdict.json").read_bytes() == b"{}"
    assert Project.made[-1].asked == ["write", "down"]


def test_down_keeps_a_lab_whose_artefacts_the_disk_does_not_take(client: Client, engine: DockerEngine) -> None:
    master = Container("master", UP, "running")
    master.files = {"runs/1-page/verdict.json": b"{}"}
    client.all = [master]
    engine.runs.write_text("no folder")
    with pytest.raises(LabError, match=r"could not write .*runs/1-page"):
        engine.down()
    assert Project.made == []


def test_down_removes_a_lab_whose_artefacts_can_not_be_read(
    client: Client, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise docker.errors.APIError("gone")

    monkeypatch.setattr(Container, "get_archive", fail)
    client.all = [Container("master", UP, "running")]
    engine.down()
    assert Project.made[-1].asked == ["write", "down"]
    assert "Artefacts of runs from the page could not be copied: gone" in capsys.readouterr().err


def test_logs_are_those_of_the_lab_that_up_started(client: Client, engine: DockerEngine) -> None:
    client.all = [Container("server", UP), Container("master", UP), Container("server", "other")]
    assert engine.logs() == [
        (f"{UP}-master-1", "master says hello\n"),
        (f"{UP}-server-1", "server says hello\n"),
    ]


def test_a_network_that_the_engine_does_not_have_is_refused(client: Client) -> None:
    names = [SimpleNamespace(name=name) for name in ("theirs_default", "bridge")]
    client.networks = SimpleNamespace(list=lambda: names)
    DockerEngine(read({"NETWORK": "theirs_default"}, {})).check()
    with pytest.raises(UsageError, match=r"^NETWORK=theirs: .* did you mean theirs_default\?; it has bridge, the"):
        DockerEngine(read({"NETWORK": "theirs"}, {})).check()


@pytest.mark.parametrize("name", ["TARGET_METRICS", "OTEL_EXPORTER_OTLP_ENDPOINT"])
def test_an_endpoint_on_the_loopback_is_refused(client: Client, name: str) -> None:
    DockerEngine(read({name: "http://host.docker.internal:9100"}, {})).check()
    line = rf"^{name}=http://localhost:9100: .* use host\.docker\.internal, or ENGINE=native$"
    with pytest.raises(UsageError, match=line):
        DockerEngine(read({name: "http://localhost:9100"}, {})).check()


@pytest.mark.parametrize(("mode", "refused"), [(0o600, True), (0o644, False)])
def test_a_key_that_only_its_owner_may_read_is_refused(
    client: Client, tmp_path: Path, mode: int, refused: bool
) -> None:
    key = tmp_path / "key.pem"
    key.touch()
    key.chmod(mode)
    engine = DockerEngine(Settings({**read({}, {}).values, "SERVER_TLS_KEY": str(key)}, frozenset()))
    line = r"^SERVER_TLS_KEY=/.*key\.pem: only its owner may read it, .* \(chmod o\+r\), or use ENGINE=native$"
    with pytest.raises(UsageError, match=line) if refused else nullcontext():
        engine.check()


def test_page_and_server_on_one_port_is_a_usage_error(client: Client) -> None:
    port = str(page_client.free_port())
    with pytest.raises(UsageError, match=f"^PAGE_PORT and SERVER_PORT are both {port}: each needs its own$"):
        DockerEngine(read({"PAGE_PORT": port, "SERVER_PORT": port}, {})).up()
    assert Project.made == []


@pytest.mark.parametrize(("verb", "after"), [("run", ["forget"]), ("up", [])])
@pytest.mark.parametrize("error", [LabError("building the images failed"), Interrupted()])
def test_a_run_whose_build_fails_leaves_no_files(
    engine: DockerEngine, tmp_path: Path, verb: str, after: list[str], error: BaseException
) -> None:
    """Those of `up` stay: a lab that was up before may still use them."""
    Project.failing = {"build": error}
    with pytest.raises(type(error)):
        engine.up() if verb == "up" else engine.run(RUN, lambda line: None, tmp_path)
    assert Project.made[0].asked == ["write", "build", *after]


def test_setup_builds_and_starts_nothing(engine: DockerEngine) -> None:
    engine.setup()
    assert Project.made[0].asked == ["write", "build"]


OURS = {"holdfast.project": "holdfast-mine", "holdfast.folder": str(ROOT)}
OF_OTHERS = {"holdfast.project": "holdfast-theirs", "holdfast.folder": "/elsewhere"}
BASE = {"holdfast.project": "holdfast"}


class _Thing:
    """A container, network, volume or image."""

    def __init__(self, name: str, labels: dict[str, str], removed: list[str]) -> None:
        self.name, self.tags, self.labels, self._removed = name, [name], labels, removed

    def remove(self, **_: Any) -> None:
        self._removed.append(self.name)


class _Things:
    """What a client has of one kind."""

    def __init__(self, *things: _Thing) -> None:
        self.things = things
        self.pruned: list[str] = []

    def list(self, filters: dict[str, str], **_: Any) -> list[_Thing]:
        name, _, value = filters["label"].partition("=")
        return [thing for thing in self.things if name in thing.labels and value in ("", thing.labels[name])]

    def remove(self, tag: str, force: bool) -> None:
        next(thing for thing in self.things if thing.name == tag).remove()

    def prune(self, filters: dict[str, Any]) -> None:
        self.pruned.append(filters["label"])


def _fill(client: Any, removed: list[str], *images: tuple[str, dict[str, str]]) -> None:
    alone = {"holdfast.project": "mine", "com.docker.compose.project.working_dir": str(ROOT)}
    one, theirs, plain = (
        [_Thing(f"{name}-{kind}", labels, removed) for kind in "cnv"]
        for name, labels in (("mine", OURS), ("theirs", OF_OTHERS), ("plain", alone))
    )
    client.containers, client.networks, client.volumes = map(_Things, one, theirs, plain)
    client.images = _Things(*(_Thing(name, labels, removed) for name, labels in images))


def test_clean_removes_what_has_the_label_of_this_folder_and_the_base_that_nobody_uses(engine: DockerEngine) -> None:
    removed: list[str] = []
    images = {"holdfast-base:trixie": BASE, "holdfast-base:trixie-build": BASE, "holdfast-load:mine-1": OURS}
    _fill(engine._client, removed, *images.items())
    wanted = [f"{kind} {name}-{kind[0]}" for name in ("mine", "plain") for kind in ("container", "network", "volume")]
    wanted += ["image holdfast-load:mine-1", "image holdfast-base:trixie-build", "image holdfast-base:trixie"]
    assert engine.clean() == wanted
    assert removed == [line.split()[1] for line in wanted]
    ours = f"holdfast.folder={ROOT}"
    assert engine._client.images.pruned == [ours, "holdfast.project=mine", "holdfast.project", "holdfast.stage"]


def test_clean_leaves_what_belongs_to_another_folder_and_the_base_of_its_images(engine: DockerEngine) -> None:
    removed: list[str] = []
    images = {"holdfast-base:trixie": BASE, "holdfast-load:mine-1": OURS, "holdfast-load:theirs-1": OF_OTHERS}
    _fill(engine._client, removed, *images.items())
    engine.clean()
    assert "holdfast-load:mine-1" in removed
    assert [name for name in removed if "theirs" in name or "base" in name] == []
    assert engine._client.images.pruned == [f"holdfast.folder={ROOT}", "holdfast.project=mine"]


@pytest.mark.parametrize("removal", [None, LabError("removing the containers failed")])
def test_engine_that_goes_away_during_a_run_is_named_and_its_run_is_removed_by_the_next(
    engine: DockerEngine,
    client: Client,
    containers: list[Container],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    removal: LabError | None,
) -> None:
    def go_away(*_: object, **__: object) -> None:
        for name in ("list", "ping", "version"):
            monkeypatch.setattr(client, name, go_away)
        raise requests.ConnectionError("Connection aborted.")

    Project.failing = {"down": removal} if removal else {}
    containers[1].status, containers[1].on_reload = "running", go_away
    left = r"start it; the next run, or `.*clean`, removes what is left$"
    with pytest.raises(LabError, match=rf"went away during the run \(Connection aborted\.\): {left}"):
        engine.run(RUN, lambda line: None, tmp_path)
    assert [entry.name for entry in engine.journal.entries()] == [RUN]


def test_engine_that_was_restarted_during_a_run_is_named_and_nothing_is_left(
    engine: DockerEngine, containers: list[Container], tmp_path: Path
) -> None:
    def restart() -> None:
        raise requests.ConnectionError("Connection aborted.")

    containers[1].status, containers[1].on_reload = "running", restart
    with pytest.raises(LabError, match=r"failed during the run, or was restarted: Connection aborted\.$"):
        engine.run(RUN, lambda line: None, tmp_path)
    assert Project.made[0].asked[-1] == "down"
    assert engine.journal.entries() == []
