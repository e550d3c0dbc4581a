"""What the containers may be and do, read from the files that make them."""

import re
from typing import Any

import pytest
import yaml

from server.models.base import load
from server.settings import TABLE
from tests.meta.conftest import text

COMPOSE: dict[str, Any] = yaml.safe_load(text("compose.yaml"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = re.sub(r"^\s*#.*\n", "", text("Dockerfile"), flags=re.M).replace("\\\n", " ")


def _stages() -> dict[str, tuple[str, str]]:
    """Name of each stage -> the image or stage that it starts from, and its instructions."""
    parts = re.split(r"^FROM (\S+) AS (\S+)\n", DOCKERFILE, flags=re.M)[1:]
    return {name: (base, body) for base, name, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True)}


def test_services_are_server_master_and_worker() -> None:
    assert set(SERVICES) == {"server", "master", "worker"}


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["init"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "network_mode", "cap_add", "ulimits", "user", "pid", "ipc", "devices"} & set(service)


def test_every_server_setting_reaches_its_container() -> None:
    """Its ports alone are compose's own: what is published stands for them."""
    ours = {row.variable for row in TABLE} - {"SERVER_PORT", "SERVER_ADMIN_PORT"}
    assert ours <= SERVICES["server"]["environment"].keys()


def test_pids_limit_allows_a_thread_per_connection_and_is_bounded() -> None:
    limits = {name: service["pids_limit"] for name, service in SERVICES.items()}
    cap = load("threaded").default_cap
    assert cap
    assert cap < 15_000 < limits["server"] <= 32_768 / 2
    assert limits["master"] == limits["worker"] == 256


@pytest.mark.parametrize("name", SERVICES)
def test_service_publishes_on_loopback_only(name: str) -> None:
    """Unless PAGE_HOST says otherwise: the master refuses that without a password."""
    begin = ("127.0.0.1:", "${PAGE_HOST:-127.0.0.1}:") if name == "master" else ("127.0.0.1:",)
    assert all(str(port).startswith(begin) for port in SERVICES[name].get("ports", []))
    assert SERVICES["master"]["environment"]["HOLDFAST_PAGE_PUBLISHED"] == "${PAGE_HOST:-127.0.0.1}"


def test_only_the_page_and_the_server_are_published() -> None:
    targets = {name: [port.rsplit(":", 1)[1] for port in s.get("ports", [])] for name, s in SERVICES.items()}
    assert targets == {"server": ["8686"], "master": ["8089"], "worker": []}


def test_load_network_is_internal_and_workers_have_no_other() -> None:
    assert COMPOSE["networks"]["load"]["internal"] is True
    assert SERVICES["worker"]["networks"] == ["load"]


def test_files_that_are_added_to_compose_yaml_change_networks_and_names_of_hosts_alone() -> None:
    for path in ("compose.target.yaml", "compose.network.yaml"):
        services = yaml.safe_load(text(path))["services"]
        assert set(services) == {"master", "worker"}
        assert {key for service in services.values() for key in service} <= {"environment", "extra_hosts", "networks"}
    theirs = yaml.safe_load(text("compose.network.yaml"))["networks"]["theirs"]
    assert theirs == {"name": "${NETWORK:-holdfast_front}", "external": True}


def test_no_service_mounts_a_folder_of_the_host() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    assert all(mount.split(":")[0] in COMPOSE["volumes"] for mount in mounts)


@pytest.mark.parametrize("path", ["compose.yaml", "Dockerfile"])
def test_no_image_is_tagged_latest(path: str) -> None:
    assert not re.search(r"[\w}]:latest\b", text(path))


def test_built_images_have_a_tag() -> None:
    """One for each project, so that two clones don't take each other's."""
    tag = re.compile(r":\$\{COMPOSE_PROJECT_NAME:-local\}$")
    assert all(tag.search(service["image"]) for service in SERVICES.values())


def test_base_image_names_a_python_version() -> None:
    defaults = re.findall(r"BASE_IMAGE(?:=|:-)([\w./-]+:[\w.-]+)", text("compose.yaml") + DOCKERFILE)
    assert defaults
    assert all(re.fullmatch(r"python:3\.\d+(\.\d+)?-slim(-\w+)?", image) for image in defaults)
    named = {base for base, _ in _stages().values()} - set(_stages())
    assert named == {"${BASE_IMAGE}", "${BUILD_IMAGE}"}


@pytest.mark.parametrize("name", ["server", "master", "worker"])
def test_service_runs_as_a_plain_user(name: str) -> None:
    _, body = _stages()[SERVICES[name]["build"]["target"]]
    users = re.findall(r"^USER (\S+)$", body, re.M)
    assert users
    assert re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", users[-1])


@pytest.mark.parametrize("target", ["server", "load"])
def test_final_stage_installs_nothing(target: str) -> None:
    """No compiler, no package cache, no index address, no CA file: those stay in the build stages."""
    stages, name = _stages(), target
    while name in stages:
        base, body = stages[name]
        assert not re.search(r"\b(apt|apt-get|pip|curl|wget|gcc)\b|ca-certificates|\.crt|INDEX", body)
        name = base
    assert name == "${BASE_IMAGE}"


def test_compiler_is_installed_only_where_a_wheel_is_missing() -> None:
    """In the load's build stage, after the wheels alone did not suffice, and never on an x86_64, for one package."""
    compiling = {name: body for name, (_, body) in _stages().items() if re.search(r"\bgcc\b", body)}
    assert set(compiling) == {"build-load"}
    order = r'if ! /venv/bin/pip install "\$@"; then\s+test "\$\(uname -m\)" != x86_64\s+&& apt-get .*\bgcc\b'
    assert re.search(order, compiling["build-load"])
    assert re.findall(r"--no-binary (\S+?);", DOCKERFILE) == ["hdrhistogram"]
    assert all("--only-binary :all:" in body for name, (_, body) in _stages().items() if "pip install" in body)


def test_final_stages_copy_only_the_virtual_environments_and_our_files() -> None:
    copied = set(re.findall(r"COPY --from=\S+ (.+)", DOCKERFILE))
    assert copied == {"/venv /venv", *(f"/holdfast/{name} ./{name}" for name in ("server", "rawsocket", "locustfiles"))}


@pytest.mark.parametrize("target", ["server", "load"])
def test_image_sets_the_modes_of_its_files(target: str) -> None:
    """Those of the checkout depend on the umask of whoever made it."""
    stages = _stages()
    assert "RUN chmod -R a=rX,u+w ." in stages["files"][1]
    assert re.findall(r"^COPY (?!--from)", stages[target][1], re.M) == []


def test_packages_of_the_scenarios_are_installed_where_their_file_is_there() -> None:
    body = _stages()["build-load"][1]
    assert "COPY requirements-load.txt locustfiles/requirements.tx[t] ./scenarios/" in body
    assert "pip install --quiet --requirement scenarios/requirements.txt" in body


def test_build_stages_know_the_address_of_a_package_mirror_and_images_do_not() -> None:
    assert set(re.findall(r"^ARG (PIP_\w+)$", _stages()["build"][1], re.M)) == {
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_TRUSTED_HOST",
    }
