from pathlib import Path

import pytest

from lab import folders, procfs
from lab.drills.namespace import container
from lab.engines import identity
from lab.engines.docker import base_image
from lab.errors import LabError
from tests.support.fake_docker import FakeDocker


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    made = FakeDocker(tmp_path / "docker")
    monkeypatch.setenv("PATH", made.path)
    monkeypatch.setattr(base_image, "ensure", lambda wanted: base_image.Base(wanted or "the-base", "its-build-image"))
    for name in container.PROXIES:
        monkeypatch.delenv(name, raising=False)
    return made


def test_helper_has_one_capability_in_the_network_of_another_container() -> None:
    command = container.command("1f2e", "holdfast-ci-x")
    options = [word for word in command if word.startswith("--")]
    assert "--network=container:1f2e" in options
    assert {"--cap-drop=ALL", "--cap-add=NET_ADMIN", "--read-only", "--security-opt=no-new-privileges"} <= set(options)
    assert [word for word in options if word.startswith("--cap-add")] == ["--cap-add=NET_ADMIN"]
    assert not [word for word in options if word.startswith(("--privileged", "--volume", "--pid=", "--device"))]
    assert command[-2:] == [container.image(), "5"]


def test_helper_never_joins_the_network_of_the_host() -> None:
    assert "--network=container:host" in container.command("host")
    assert "--network=none" in container.command(container.NO_NETWORK)


def test_helper_is_removed_with_the_lab_that_it_belongs_to() -> None:
    command = container.command("1f2e", "holdfast-ci-x")
    assert "--rm" in command
    assert f"--label={identity.PROJECT_LABEL}=holdfast-ci-x" in command
    assert f"--label={identity.FOLDER_LABEL}={folders.work()}" in command
    assert f"--label={identity.LAB_LABEL}={procfs.mark()}" in command


def test_image_is_built_from_the_base_of_the_lab(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")  # out of a build's reach
    container.build("")
    (call,) = fake.calls()
    assert call["argv"][1:5] == ["build", "--quiet", "--tag", container.image()]
    assert "--build-arg=BASE_IMAGE=the-base" in call["argv"]
    assert [word for word in call["argv"] if "proxy" in word.lower()] == ["--build-arg=http_proxy"]
    assert (Path(call["argv"][-1]) / "Dockerfile").is_file()


def test_a_build_that_fails_says_what_it_needs(fake: FakeDocker) -> None:
    fake.set_state(fail={"docker build": [1, "E: Unable to locate package nftables"]})
    with pytest.raises(LabError, match="packages nftables and iproute2; check the network, or BASE_IMAGE") as raised:
        container.build("alpine:3")
    assert "Unable to locate" in raised.value.evidence
