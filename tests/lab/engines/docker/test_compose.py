import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import folders, procfs
from lab.engines import identity
from lab.engines.docker import compose
from lab.engines.docker import compose_file as composefile
from lab.engines.docker.base_image import Base
from lab.engines.docker.compose import Project
from lab.engines.docker.user_server.image import ServerImage
from lab.errors import LabError
from lab.settings import ROOT, read
from tests.support.fake_docker import FakeDocker

BASE = Base("base:1", "base:1-build")


@pytest.fixture(autouse=True)
def _root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Derived files go below a folder of the test's own."""
    monkeypatch.setattr(folders, "work", lambda: tmp_path)


def _project(publish: bool = True, **settings: str) -> Project:
    return Project("holdfast-x", read(settings, {}), BASE, publish=publish)


def test_v2_if_its_plug_in_is_installed(fake: FakeDocker) -> None:
    assert compose.command() == ["docker", "compose"]


def test_v1_without_the_plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = FakeDocker(tmp_path / "both", ("docker", "docker-compose"), plugin=False)
    monkeypatch.setenv("PATH", docker.path)
    assert compose.command() == ["docker-compose"]


def test_v1_without_the_docker_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", FakeDocker(tmp_path / "v1", ("docker-compose",)).path)
    assert compose.command() == ["docker-compose"]


def test_a_missing_compose_is_an_error(fake: FakeDocker) -> None:
    fake.set_state(plugin=False)
    with pytest.raises(LabError, match="no compose found: install the compose plugin"):
        compose.command()


def test_writes_the_derived_file_below_dot_lab(fake: FakeDocker, tmp_path: Path) -> None:
    project = _project(publish=False, TARGET="tcp://10.0.0.5:9000")
    project.write()
    assert project.file == tmp_path / ".lab/holdfast-x/compose.json"
    source = composefile.parse((ROOT / "compose.yaml").read_text())
    assert json.loads(project.file.read_text()) == composefile.derive(
        source,
        composefile.Names(
            "holdfast-x", identity.tag(tmp_path), str(tmp_path), procfs.mark(), str(project.folder / "context")
        ),
        publish=False,
        own_server=False,
        build_image="base:1-build",
    )


def test_calls_name_the_project_and_its_file(fake: FakeDocker) -> None:
    project = _project(WORKERS="5")
    project.build()
    project.up()
    project.down()
    project.down(volumes=False)
    whole = f"docker compose --project-name holdfast-x --file {project.file}"
    assert fake.asked()[1:] == [
        f"{whole} build",
        f"{whole} up --detach --no-build --remove-orphans --scale worker=5",
        f"{whole} down --remove-orphans --timeout 20 --volumes",
        f"{whole} down --remove-orphans --timeout 20",
    ]


@pytest.mark.parametrize(("publish", "headless"), [(True, ""), (False, "true")])
def test_environment_of_a_call(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch, publish: bool, headless: str) -> None:
    monkeypatch.setenv("HEADLESS", "yes")
    monkeypatch.setenv("USERS", "9")
    monkeypatch.setenv("SERVER_IDLE_TIMEOUT", "5")
    _project(publish, USERS="7").up()
    environ = fake.calls()[-1]["env"]
    assert environ["HEADLESS"] == headless
    assert environ["USERS"] == "7"
    assert environ["SERVER_IDLE_TIMEOUT"] == "5"
    assert environ["BASE_IMAGE"] == "base:1"


def test_each_lab_has_a_key_of_its_own_for_master_and_workers(
    fake: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        _project().up()
    monkeypatch.setenv("HOLDFAST_CLUSTER_KEY", "the user's own key")
    _project().up()
    first, second, own = (call["env"]["HOLDFAST_CLUSTER_KEY"] for call in fake.calls() if "up" in call["argv"])
    assert len(first) == len(second) == 32
    assert first != second
    assert own == "the user's own key"


def test_a_proxy_on_the_loopback_is_not_for_a_build(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    proxies = {"HTTP_PROXY": "http://10.0.0.3:3128", "https_proxy": "http://127.0.0.1:3128", "NO_PROXY": "localhost"}
    for name, text in proxies.items():
        monkeypatch.setenv(name, text)
    _project().build()
    environ = fake.calls()[-1]["env"]
    assert {name: environ.get(name) for name in proxies} == {**proxies, "https_proxy": None}


def test_a_build_gets_a_proxy_by_both_of_its_names(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """docker-compose 1.29 gives an empty text for a name that is unset, and an empty https_proxy means none to pip."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://10.0.0.3:3128")
    monkeypatch.setenv("http_proxy", "http://10.0.0.4:3128")
    monkeypatch.setenv("NO_PROXY", "localhost")
    monkeypatch.setenv("no_proxy", "")
    _project().build()
    environ = fake.calls()[-1]["env"]
    assert [environ[name] for name in ("HTTPS_PROXY", "https_proxy")] == ["http://10.0.0.3:3128"] * 2
    assert [environ[name] for name in ("HTTP_PROXY", "http_proxy")] == ["http://10.0.0.4:3128"] * 2
    assert [environ[name] for name in ("NO_PROXY", "no_proxy")] == ["localhost", ""]


def test_orphans_are_removed_whatever_the_environment_says(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPOSE_IGNORE_ORPHANS", "true")  # docker-compose 1.29 fails with both options
    project = _project()
    project.up()
    project.down()
    assert ["COMPOSE_IGNORE_ORPHANS" in call["env"] for call in fake.calls()[-2:]] == [False, False]


def test_ctrl_c_does_not_reach_a_call(fake: FakeDocker) -> None:
    _project().up()
    assert fake.calls()[-1]["session"] != os.getsid(0)


@pytest.mark.parametrize(
    ("verb", "message"),
    [
        ("build", "building the images failed"),
        ("up", "starting the containers failed"),
        ("down", "removing the containers failed"),
    ],
)
def test_a_failed_call_shows_its_last_lines(fake: FakeDocker, verb: str, message: str) -> None:
    project = _project()
    fake.set_state(fail={verb: [17, "".join(f"line {n}\n" for n in range(30))]})
    with pytest.raises(LabError, match=message) as error:
        getattr(project, verb)()
    assert error.value.evidence.splitlines() == [f"line {n}" for n in range(10, 30)]


def test_a_call_that_hangs_is_killed_and_its_output_is_the_evidence(
    fake: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = _project()
    fake.set_state(fail={"build": ["hang", "step 1\nstep 2\n"]})
    for timeout in (1, 4, 16):  # on a slow machine the call is killed before it starts
        monkeypatch.setattr(compose, "BUILD_TIMEOUT", float(timeout))
        with pytest.raises(LabError, match=f"building the images failed: still running after {timeout} s") as error:
            project.build()
        if "build" in (call := fake.calls()[-1])["argv"]:
            break
    assert "build" in call["argv"]
    _gone(call["pid"])
    assert error.value.evidence in ("step 1\nstep 2", "")  # "": it had not come so far


def test_an_interrupt_kills_the_call_and_its_children(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.command("docker-compose", 'sleep 300 & echo $! > "$0.child"; wait')
    child = Path(f"{fake.path}/docker-compose.child")
    monkeypatch.setattr(compose, "command", lambda: ["docker-compose"])
    _interrupt_when(lambda: child.exists() and child.read_text().strip())
    with pytest.raises(KeyboardInterrupt):
        _project().up()
    _gone(int(child.read_text()))


def _interrupt_when(true: Callable[[], object]) -> None:
    """Press Ctrl-C once `true()`."""
    main = threading.get_ident()

    def watch() -> None:
        while not true():
            time.sleep(0.01)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()


def _gone(pid: int) -> None:
    deadline = time.monotonic() + 30
    while _alive(pid):
        assert time.monotonic() < deadline, f"{pid} still runs"
        time.sleep(0.01)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("watched", [True, False])
def test_prometheus_and_grafana_are_in_the_derived_file_of_a_lab_that_is_watched(
    fake: FakeDocker, watched: bool
) -> None:
    project = _project()
    project.watched = watched
    project.write()
    others = set(json.loads(project.file.read_text())["services"]) - {"server", "master", "worker"}
    assert others == ({"prometheus", "grafana"} if watched else set())


def test_master_can_name_this_machine_where_it_asks_an_endpoint(fake: FakeDocker) -> None:
    project = _project(TARGET_METRICS="http://host.docker.internal:9100/metrics")
    project.write()
    master = json.loads(project.file.read_text())["services"]["master"]
    assert master["extra_hosts"] == ["host.docker.internal:host-gateway"]


def test_server_of_the_users_own_is_in_the_derived_file(fake: FakeDocker, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    project = _project(SERVER_BUILD=str(tmp_path / "mine"))
    project.write()
    server = json.loads(project.file.read_text())["services"]["server"]
    assert server["image"] == project.server_image == f"holdfast-your-server:{identity.tag(tmp_path)}"
    assert server["build"]["context"] == str(tmp_path / "mine")
    project.server = ServerImage(project.server_image, 7000, is_root=True)
    project.write()
    services = json.loads(project.file.read_text())["services"]
    assert services["server"]["user"] == "10001:10001"
    assert services["master"]["environment"]["HOLDFAST_SERVER"] == "tcp://server:7000"
