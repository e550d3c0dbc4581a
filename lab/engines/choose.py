"""Which engine runs the lab: containers, or the same programs as local processes.

`auto` goes native only where no engine is installed or none answers; an engine that is there but refuses us is
an error that says how to mend it, never a silent change of engine.
"""

import os
import shutil
import subprocess
import sys

import docker
import requests

from lab.errors import LabError, UsageError
from lab.progress import say
from lab.settings import Settings

# What the docker SDK raises when the engine fails us, or is gone.
FAILURES = (docker.errors.DockerException, requests.exceptions.RequestException)
_PERMISSION = (
    "permission denied on the Docker engine's socket ({host}): add yourself to the `docker` group "
    "(`sudo usermod -aG docker $USER`, then log in again), or run with ENGINE=native"
)


def choose(settings: Settings, *, run: bool) -> str:
    """Give `docker` or `native`. `run` says that a load is about to be started."""
    wanted = settings["ENGINE"]
    if run and settings.loopback_target and wanted != "native":
        say(f"{settings['TARGET']} is on this machine's loopback, out of a container's reach: using local processes.")
        return _native(wanted)
    if wanted == "native":
        return _native(wanted)
    reason = unreachable()
    if not reason:
        return "docker"
    if wanted == "docker":
        raise LabError(f"ENGINE=docker, but {reason}: start the engine, or use ENGINE=native")
    say(f"No Docker engine here ({reason}): running server, master and workers as local processes.")
    return _native(wanted)


def _native(wanted: str) -> str:
    if not sys.platform.startswith("linux"):
        raise UsageError(f"ENGINE={wanted} would need local processes, which work on Linux only: start a Docker engine")
    return "native"


def unreachable() -> str:
    """Why no engine can be used, or "" if one answers. Raises LabError where permission is what is missing."""
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
    """Address of the engine: DOCKER_HOST, else that of the docker command's current context, else the usual socket."""
    if os.environ.get("DOCKER_HOST"):
        return os.environ["DOCKER_HOST"]
    inspect = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    if shutil.which("docker"):
        done = subprocess.run(inspect, capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip()
    return "unix:///var/run/docker.sock"


def client() -> docker.DockerClient:
    """Give a client of the engine."""
    return docker.DockerClient(base_url=engine_host(), timeout=120)
