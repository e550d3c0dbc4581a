"""The Docker engine: its address, whether it answers, and a client of it."""

import shutil
import subprocess

import docker
import requests

from lab.errors import LabError
from lab.settings import from_environment

# What the docker SDK raises when the engine fails or has gone away.
FAILURES = (docker.errors.DockerException, requests.exceptions.RequestException)
_PERMISSION = (
    "permission denied on the Docker engine's socket ({host}): add yourself to the `docker` group "
    "(`sudo usermod -aG docker $USER`, then log in again), or run with ENGINE=native"
)


def unreachable() -> str:
    """Say why no engine can be used, "" if one answers. Raises LabError where only the permission is missing."""
    host = engine_host()
    try:
        client = docker.DockerClient(base_url=host, timeout=10)
        client.ping()
        client.close()
    except (*FAILURES, OSError) as error:
        if "Permission denied" in str(error) or "PermissionError" in str(error):
            raise LabError(_PERMISSION.format(host=host)) from None
        installed = shutil.which("docker") or shutil.which("dockerd")
        return f"no engine answers at {host}" if installed else "none is installed"
    return ""


def engine_host() -> str:
    """Return the engine's address: DOCKER_HOST, else that of the docker command's context, else the usual socket."""
    if host := from_environment("DOCKER_HOST"):
        return host
    inspect = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    if shutil.which("docker"):
        done = subprocess.run(inspect, capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip()
    return "unix:///var/run/docker.sock"


def connect() -> docker.DockerClient:
    """Return a client of the engine."""
    return docker.DockerClient(base_url=engine_host(), timeout=120)
