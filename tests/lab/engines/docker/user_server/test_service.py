import resource
from typing import Any

import pytest
import yaml

from lab.engines.docker import compose_file
from lab.engines.docker.user_server import service
from lab.engines.docker.user_server.image import ServerImage
from lab.settings import ROOT

SOURCE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
NAMES = compose_file.Names("holdfast-mine", "mine-123abc", "/the/checkout")
REDIS = {"SERVER_IMAGE": "redis:7"}
ROOTS, PLAIN = ServerImage("redis:7", 6379, True), ServerImage("redis:7", 6379, False)


def _derived(
    server: ServerImage | None = PLAIN, *, publish: bool = True, folder: str = "", **values: str
) -> dict[str, Any]:
    derived = compose_file.derive(SOURCE, NAMES, publish=publish, own_server=True, build_image="base:build")
    service.build(derived, "redis:7", folder)
    if server:
        service.run(derived, server, {**REDIS, **values}, 30)
    return derived["services"]


def test_server_keeps_limits_networks_and_what_protects() -> None:
    ours, theirs = SOURCE["services"]["server"], _derived()["server"]
    kept = ("cpus", "mem_limit", "pids_limit", "networks", "read_only", "cap_drop", "security_opt", "init", "tmpfs")
    assert {name: theirs[name] for name in kept} == {name: ours[name] for name in kept}
    assert theirs["image"] == "redis:7"
    assert theirs["environment"] == {"PORT": "6379"}
    assert theirs["ports"] == ["127.0.0.1:${SERVER_PORT:-8686}:6379"]
    assert theirs["healthcheck"] == {"disable": True}
    assert not {"build", "user", "command", "cap_add", "stop_signal"} & theirs.keys()
    assert theirs["labels"][service.LABEL] == "yes"


def test_run_publishes_nothing() -> None:
    services = _derived(publish=False)
    assert not any("ports" in each for each in services.values())
    assert services["server"]["restart"] == "no"


def test_descriptors_are_as_many_as_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    for hard, given in ((4096, 4096), (resource.RLIM_INFINITY, service.MOST_DESCRIPTORS)):
        monkeypatch.setattr(resource, "getrlimit", lambda which, hard=hard: (1024, hard))
        assert _derived()["server"]["ulimits"] == {"nofile": {"soft": given, "hard": given}}


@pytest.mark.parametrize(
    ("server", "writable", "expected"),
    [
        (PLAIN, "no", (None, True, None)),
        (ROOTS, "no", (service.PLAIN_USER, True, None)),
        (PLAIN, "yes", (None, False, None)),
        (ROOTS, "yes", (None, False, service.CAPABILITIES)),
    ],
)
def test_user_files_and_capabilities(server: ServerImage, writable: str, expected: tuple[Any, ...]) -> None:
    made = _derived(server, SERVER_WRITABLE=writable)["server"]
    assert (made.get("user"), made["read_only"], made.get("cap_add")) == expected
    assert made["cap_drop"] == ["ALL"]
    assert ("HOME" in made["environment"]) is (expected[0] is not None)


def test_command_has_the_port_and_no_variables_of_compose() -> None:
    command = _derived(SERVER_COMMAND="redis-server --port {port} '$HOME'")["server"]["command"]
    assert command == ["redis-server", "--port", "6379", "$$HOME"]


def test_master_and_workers_load_it() -> None:
    services = _derived(SERVER_LISTEN="tls:6379")
    for name in ("master", "worker"):
        environment = services[name]["environment"]
        assert environment["HOLDFAST_SERVER"] == "tls://server:6379"
        assert environment["HOLDFAST_SERVER_ADMIN"] == ""
        assert environment["TARGET"] == "${TARGET:-}"
    assert services["worker"]["networks"] == ["load"]


def test_master_waits_until_it_listens_and_reads_what_the_lab_knows_of_it() -> None:
    master = _derived()["master"]
    assert master["depends_on"] == {"server": {"condition": "service_started"}}
    assert master["healthcheck"]["start_period"] == "30s"
    environment = master["environment"]
    assert environment["HOLDFAST_SERVER_WAIT"] == "30"
    assert environment["HOLDFAST_SERVER_USAGE"] == "engine"
    assert environment["HOLDFAST_SERVER_NAME"] == "SERVER_IMAGE=redis:7"


def test_image_is_built_from_the_users_folder_with_the_labs_labels() -> None:
    made = _derived(None, folder="/their/$folder")["server"]
    assert made["build"]["context"] == "/their/$$folder"
    assert made["build"]["labels"] == {"holdfast.project": "mine-123abc", "holdfast.folder": "/the/checkout"}
    assert set(made["build"]["args"]) == set(service.BUILD_ARGS)
    assert "target" not in made["build"]
