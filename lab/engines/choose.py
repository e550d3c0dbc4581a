"""Which engine runs the lab: containers, or the same programs as local processes.

`auto` takes local processes only where no Docker engine is installed or none answers. An engine that is there but
refuses us is an error that says how to fix it: the engine is never changed silently.
"""

import sys

from lab.engines.base import Engine
from lab.engines.docker import client
from lab.engines.docker.engine import DockerEngine
from lab.engines.native.engine import NativeEngine
from lab.errors import LabError, UsageError
from lab.progress import note, say
from lab.settings import Settings
from lab.user_server import settings as user_server


def engine_for(verb: str, settings: Settings) -> Engine:
    """Return the engine that a verb is for: local processes that `up` has left come first where it asks for them."""
    native = NativeEngine(settings)
    if verb in ("down", "logs", "status") and native.running():
        return native
    return DockerEngine(settings) if choose(settings, run=verb in ("up", "load", "ci")) == "docker" else native


def choose(settings: Settings, *, run: bool) -> str:
    """Return `docker` or `native`. `run` says that a load is about to be started."""
    wanted = settings["ENGINE"]
    if run and settings.loopback_target and wanted != "native":
        note(f"{settings['TARGET']} is on this machine's loopback, which no container reaches: using local processes.")
        return _native(wanted)
    if run and settings.user_server and not user_server.in_container(settings.values) and wanted != "native":
        return _local_server(settings)
    if wanted == "native":
        return _native(wanted)
    reason = client.unreachable()
    if not reason:
        return "docker"
    if wanted == "docker":
        raise LabError(f"ENGINE=docker, but {reason}: start the engine, or use ENGINE=native")
    how = "running server, master and workers as" if run else "its containers can't be seen, only"
    say(f"No Docker engine here ({reason}): {how} local processes.")
    return _native(wanted)


def _local_server(settings: Settings) -> str:
    named = settings.user_server
    if settings["ENGINE"] == "docker":
        raise UsageError(
            f"{named} is a local process, and ENGINE=docker runs containers: add SERVER_IMAGE or SERVER_BUILD, "
            "or use ENGINE=native"
        )
    say(f"{named} is a local process: so are master and workers.")
    return _native(settings["ENGINE"])


def _native(wanted: str) -> str:
    if not sys.platform.startswith("linux"):
        raise UsageError(f"ENGINE={wanted} would need local processes, which work on Linux only: start a Docker engine")
    return "native"
