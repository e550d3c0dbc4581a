"""What the images hold, and what they must not."""

import docker
import pytest

from lab.engines import identity
from lab.engines.docker import base_image as base

SERVER, LOAD = (f"holdfast-{name}:{identity.tag()}" for name in ("server", "load"))
IMAGES = (SERVER, LOAD)


def _sh(client: docker.DockerClient, image: str, script: str, **options: object) -> str:
    output = client.containers.run(image, ["sh", "-c", script], remove=True, network_mode="none", **options)
    return output.decode()


@pytest.mark.parametrize("image", IMAGES)
def test_image_runs_as_a_plain_user(client: docker.DockerClient, images: None, image: str) -> None:
    assert _sh(client, image, "id -u; id -g").split() == ["10001", "10001"]


@pytest.mark.parametrize("image", IMAGES)
def test_final_stage_has_no_compiler_no_pip_no_cache(client: docker.DockerClient, images: None, image: str) -> None:
    found = _sh(
        client, image, "ls /venv/bin; command -v gcc cc pip; ls -d /root/.cache /tmp/* /build 2>/dev/null; true"
    )
    assert "python" in found
    for unwanted in ("pip", "gcc", "/cc", ".cache", "/build"):
        assert unwanted not in found


@pytest.mark.parametrize("image", IMAGES)
def test_final_stage_contains_nothing_from_the_host(client: docker.DockerClient, images: None, image: str) -> None:
    bundle = "sha256sum /etc/ssl/certs/ca-certificates.crt 2>/dev/null || echo none"
    assert _sh(client, image, bundle) == _sh(client, base.ensure("").image, bundle)
    found = _sh(client, image, "env; cat /etc/pip.conf /tmp/pip.conf 2>/dev/null; true")
    assert "PIP_" not in found
    assert "index-url" not in found


@pytest.mark.parametrize(("image", "folders"), [(SERVER, "server"), (LOAD, "rawsocket locustfiles")])
def test_our_files_can_be_read_by_the_user_and_changed_by_nobody_else(
    client: docker.DockerClient, images: None, image: str, folders: str
) -> None:
    assert _sh(client, image, f"find {folders} ! -perm -444 -o -perm /022") == ""


def test_server_image_has_no_locust(client: docker.DockerClient, images: None) -> None:
    script = "python -c 'import locust' 2>&1 || true"
    assert "No module named 'locust'" in _sh(client, SERVER, script)


def test_server_runs_read_only_without_capabilities_and_stops_on_sigterm(
    client: docker.DockerClient, images: None
) -> None:
    container = client.containers.run(
        SERVER, detach=True, read_only=True, cap_drop=["ALL"], network_mode="none", init=True
    )
    try:
        assert any(b"listening on" in line for line in container.logs(stream=True, follow=True))
        container.stop(timeout=10)  # SIGKILL, and exit code 137, after 10 s
        assert container.wait()["StatusCode"] == 0
    finally:
        container.remove(force=True)
