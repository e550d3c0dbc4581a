"""What the images hold, and what they must not."""

import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest

from lab.drills.namespace import container
from lab.engines import identity
from lab.engines.docker import base_image as base

SERVER, LOAD = (f"holdfast-{name}:{identity.tag()}" for name in ("server", "load"))
IMAGES = (SERVER, LOAD)


#: Where everybody may write, in any Debian image; containers are read-only but for a /tmp of their own.
WRITABLE = {"/tmp", "/run/lock", "/var/tmp"}


#: A container has the labels of its image, and compose removes what has those of a run that ends.
ALONE: Any = {"network_mode": "none", "init": True, "labels": {"com.docker.compose.project": "test-image"}}


@pytest.fixture(scope="module")
def inside(client: docker.DockerClient, images: None) -> Iterator[Callable[[str, str], str]]:
    """Runs a shell script in a container of an image, one for all tests, and returns what it prints."""
    containers = {
        image: client.containers.run(image, ["sleep", "1800"], detach=True, remove=True, **ALONE) for image in IMAGES
    }
    yield lambda image, script: containers[image].exec_run(["sh", "-c", script]).output.decode()
    for each in containers.values():
        each.kill()


Inside = Callable[[str, str], str]


@pytest.mark.parametrize("image", IMAGES)
def test_image_runs_as_a_plain_user(inside: Inside, image: str) -> None:
    assert inside(image, "id -u; id -g").split() == ["10001", "10001"]


@pytest.mark.parametrize("image", IMAGES)
def test_no_program_runs_as_another_user(inside: Inside, image: str) -> None:
    assert inside(image, "find / -xdev -type f -perm /6000 2>/dev/null") == ""


@pytest.mark.parametrize(("image", "own"), [(SERVER, set()), (LOAD, {"/runs"})])
def test_user_can_write_to_few_folders(inside: Inside, image: str, own: set[str]) -> None:
    found = inside(image, "find / -xdev ! -type l -writable 2>/dev/null")
    assert {path for path in found.split() if not path.startswith(("/proc", "/dev"))} == WRITABLE | own


@pytest.mark.parametrize("image", IMAGES)
def test_final_stage_has_no_compiler_no_pip_no_cache(inside: Inside, image: str) -> None:
    found = inside(image, "ls /venv/bin; command -v gcc cc pip; ls -d /root/.cache /tmp/* /build 2>/dev/null; true")
    assert "python" in found
    for unwanted in ("pip", "gcc", "/cc", ".cache", "/build"):
        assert unwanted not in found


@pytest.mark.parametrize("image", IMAGES)
def test_final_stage_contains_nothing_from_the_host(client: docker.DockerClient, inside: Inside, image: str) -> None:
    bundle = "sha256sum /etc/ssl/certs/ca-certificates.crt 2>/dev/null || echo none"
    base_image = base.ensure("").image
    of_base = client.containers.run(base_image, ["sh", "-c", bundle], remove=True, network_mode="none")
    assert inside(image, bundle) == of_base.decode()
    found = inside(image, "env; cat /etc/pip.conf /tmp/pip.conf 2>/dev/null; true")
    assert "PIP_" not in found
    assert "index-url" not in found


@pytest.mark.parametrize(("image", "folders"), [(SERVER, "server"), (LOAD, "rawsocket locustfiles")])
def test_our_files_can_be_read_by_the_user_and_changed_by_nobody_else(inside: Inside, image: str, folders: str) -> None:
    assert inside(image, f"find {folders} ! -perm -444 -o -perm /022") == ""


def test_helper_of_drills_has_no_setuid_file_no_secret_and_writes_nowhere(client: docker.DockerClient) -> None:
    """It is root with NET_ADMIN: whatever it runs gets no more than that, and its files stay as they are."""
    container.build("")
    words = container.command(container.NO_NETWORK)
    options, image = words[: words.index(container.image())], container.image()
    script = (
        "find / -xdev -type f -perm /6000 2>/dev/null; env | grep -i 'pip_\\|proxy\\|secret\\|token'; "
        "ls -d /root/.cache /var/lib/apt/lists/*_* /etc/pip.conf 2>/dev/null; "
        "find / -xdev -type d ! -path '/proc*' ! -path '/dev*' 2>/dev/null "
        "| while read -r at; do touch $at/x 2>/dev/null && echo $at; done; "
        "grep -E 'CapEff|NoNewPrivs' /proc/self/status"
    )
    words = [*options, "--entrypoint=sh", image, "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.split() == ["CapEff:", f"{1 << 12:016x}", "NoNewPrivs:", "1"], done


def test_server_image_has_no_locust(inside: Inside) -> None:
    assert "No module named 'locust'" in inside(SERVER, "python -c 'import locust' 2>&1 || true")


def test_server_runs_read_only_without_capabilities_and_stops_on_sigterm(
    client: docker.DockerClient, images: None
) -> None:
    container = client.containers.run(SERVER, detach=True, read_only=True, cap_drop=["ALL"], **ALONE)
    try:
        assert any(b"listening on" in line for line in container.logs(stream=True, follow=True))
        container.stop(timeout=10)  # SIGKILL, and exit code 137, after 10 s
        assert container.wait()["StatusCode"] == 0
    finally:
        container.remove(force=True)
