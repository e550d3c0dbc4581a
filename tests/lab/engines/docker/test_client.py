import socket
import sys
from pathlib import Path

import pytest

from lab.engines.docker import client
from lab.errors import LabError
from tests.support.fake_docker import FakeDocker


def test_a_socket_without_a_listener_is_no_engine(place: Path, none: str) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(place / "none.sock"))
    assert client.unreachable()


def test_docker_host_comes_before_the_context(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.set_state(host="unix:///context.sock")
    assert client.engine_address() == client.Address("unix:///context.sock", named=True)
    monkeypatch.setenv("DOCKER_HOST", "unix:///mine.sock")
    assert client.engine_address() == client.Address("unix:///mine.sock", named=True)


def test_the_engine_without_a_context_is_at_the_usual_socket(fake: FakeDocker) -> None:
    assert client.engine_address() == client.Address("unix:///var/run/docker.sock")


def test_the_default_context_names_no_engine(fake: FakeDocker) -> None:
    fake.set_state(host=f"{client.USUAL} <IN MEMORY>")
    assert client.engine_address() == client.Address(client.USUAL)


NO_CONTEXT = 'context "gone": context not found: open /x/meta.json: no such file or directory'


def test_a_context_that_is_not_there_is_one_line_and_no_other_engine(fake: FakeDocker) -> None:
    fake.set_state(fail={"context inspect": [1, NO_CONTEXT]})
    with pytest.raises(LabError) as error:
        client.unreachable()
    assert str(error.value) == (
        'context "gone": context not found: `docker context ls` lists them; '
        "DOCKER_CONTEXT or `docker context use` names one"
    )


def test_a_docker_command_without_contexts_means_the_usual_socket(fake: FakeDocker) -> None:
    fake.set_state(fail={"context inspect": [125, "unrecognized command `podman context`"]})
    assert client.engine_address() == client.Address(client.USUAL)


def _certificates(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("ca", "cert", "key"):
        (folder / f"{name}.pem").touch()
    return folder


def test_certificates_of_the_environment_are_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = _certificates(tmp_path / "certificates")
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(folder))
    tls = client.engine_address().tls
    assert tls
    assert (tls.ca_cert, tls.cert, tls.verify) == (
        f"{folder}/ca.pem", (f"{folder}/cert.pem", f"{folder}/key.pem"), True
    )  # fmt: skip


def test_certificates_that_are_missing_are_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with pytest.raises(LabError, match=r"^DOCKER_HOST=tcp://engine:2376: .*; check DOCKER_CERT_PATH$") as error:
        client.engine_address()
    assert "\n" not in str(error.value)


def test_certificates_of_a_context_are_used(fake: FakeDocker, tmp_path: Path) -> None:
    _certificates(tmp_path / "tls/docker")
    fake.set_state(host=f"tcp://engine:2376 {tmp_path}/tls")
    address = client.engine_address()
    assert (address.host, address.named) == ("tcp://engine:2376", True)
    assert address.tls
    assert address.tls.ca_cert == f"{tmp_path}/tls/docker/ca.pem"


def test_an_engine_behind_ssh_says_which_package_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://user@127.0.0.1")
    monkeypatch.setitem(sys.modules, "paramiko", None)
    with pytest.raises(
        LabError, match=r"answers at ssh://user@127\.0\.0\.1: the Docker SDK needs the package paramiko"
    ):
        client.unreachable()


def test_a_client_talks_to_the_engine(answering: str) -> None:
    made = client.connect()
    assert made.ping()
    made.close()
