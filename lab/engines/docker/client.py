"""The Docker engine: its address and how to reach it, whether it answers, and a client of it.

What the docker command reaches is used as it reaches it: DOCKER_HOST with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or
the docker command's context with its certificates, else the usual socket.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import requests
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env

from lab.errors import LabError
from lab.settings import from_environment

# What the docker SDK raises when the engine fails or has gone away.
FAILURES = (docker.errors.DockerException, requests.exceptions.RequestException)
# Those of an engine that ended while it was asked; an APIError is an answer.
CUT_OFF = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
_PERMISSION = (
    "permission denied on the Docker engine's socket ({host}): add yourself to the `docker` group "
    "(`sudo usermod -aG docker $USER`, then log in again), or run with ENGINE=native"
)
PODMAN = Path("/run/podman/podman.sock")
USUAL = "unix:///var/run/docker.sock"
_CONTEXT = "{{.Endpoints.docker.Host}} {{.Storage.TLSPath}}"


@dataclass(frozen=True)
class Address:
    """Where the engine is. `named`: DOCKER_HOST or a context names it. `tls` None: without TLS."""

    host: str
    named: bool = False
    tls: TLSConfig | None = None


def unreachable() -> str:
    """Say why no engine can be used, "" if one answers.

    Raises LabError where only the permission is missing, or where an engine that was named does not answer: another way
    to run the lab is not what was asked for.
    """
    address = engine_address()
    try:
        client = _client(address, timeout=10)
        client.ping()
        client.close()
    except (*FAILURES, OSError) as error:
        if "Permission denied" in str(error) or "PermissionError" in str(error):
            raise LabError(_PERMISSION.format(host=address.host)) from None
        if address.named:
            raise LabError(_not_answering(address.host, error)) from None
        installed = shutil.which("docker") or shutil.which("dockerd")
        return (f"no engine answers at {address.host}" if installed else "none is installed") + _elsewhere()
    return ""


def gone(client: Any) -> str:
    """Return why an engine that has answered before does so no more, "" if it does; in one line."""
    try:
        client.ping()
    except (*FAILURES, OSError) as error:
        return " ".join(str(error).split())[:200]
    return ""


def _elsewhere() -> str:
    """Say which other socket there is, of a rootless Docker or of Podman, "" if there is none."""
    own = Path(from_environment("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    for socket in (own / "docker.sock", own / "podman/podman.sock", PODMAN):
        if socket.exists():
            return f", but there is {socket}: DOCKER_HOST=unix://{socket} uses it"
    return ""


def _not_answering(host: str, error: Exception) -> str:
    if "paramiko" in str(error):
        remedy = "the Docker SDK needs the package paramiko for ssh: `pip install paramiko`"
    else:
        remedy = "start it, correct DOCKER_HOST or `docker context use`"
    return f"no Docker engine answers at {host}: {remedy}, or use ENGINE=native"


def engine_address() -> Address:
    """Return the engine's address: DOCKER_HOST, else that of the docker command's context, else the usual socket."""
    if host := from_environment("DOCKER_HOST"):
        try:
            return Address(host, named=True, tls=kwargs_from_env().get("tls"))
        except docker.errors.TLSParameterError as error:
            raise LabError(f"DOCKER_HOST={host}: {error.msg}; check DOCKER_CERT_PATH") from None
    inspect = ["docker", "context", "inspect", "--format", _CONTEXT]
    if shutil.which("docker"):
        done = subprocess.run(inspect, capture_output=True, text=True, check=False)
        host, _, folder = done.stdout.strip().partition(" ")
        if done.returncode == 0 and host:
            return Address(host, named=host != USUAL, tls=_tls_of_context(Path(folder) / "docker"))
        _refuse_unknown_context(done.stderr)
    return Address(USUAL)


def _refuse_unknown_context(said: str) -> None:
    # The docker command refuses everything then; the SDK alone would use an engine that nobody named. (A docker command
    # that has no contexts, such as Podman's, fails in other words.)
    if "context not found" in said:
        raise LabError(
            f"{said.strip().partition(': open ')[0]}: `docker context ls` lists them; "
            "DOCKER_CONTEXT or `docker context use` names one"
        )


def _tls_of_context(folder: Path) -> TLSConfig | None:
    ca, cert, key = (folder / f"{name}.pem" for name in ("ca", "cert", "key"))
    if not ca.exists() and not cert.exists():
        return None
    client = (str(cert), str(key)) if cert.exists() else None
    return TLSConfig(client_cert=client, ca_cert=str(ca) if ca.exists() else None, verify=ca.exists())


def connect() -> docker.DockerClient:
    """Return a client of the engine."""
    return _client(engine_address(), timeout=120)


def _client(address: Address, timeout: int) -> docker.DockerClient:
    # ssh by the ssh command, with the caller's own configuration of it, as the docker command does.
    ssh = address.host.startswith("ssh://")
    more: dict[str, Any] = {"tls": address.tls} if address.tls else {}
    return docker.DockerClient(base_url=address.host, timeout=timeout, use_ssh_client=ssh, **more)
