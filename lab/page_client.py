"""The state of the page, and of the ports of 127.0.0.1, for the host side."""

import base64
import errno
import json
import random
import socket
import urllib.request
from contextlib import closing, suppress
from http.client import HTTPException
from typing import Any

from lab import folders
from lab.errors import LabError
from lab.settings import PAGE_PASSWORD, from_environment

# The page is on this machine: a proxy of the environment is not used for it.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# From 32768 on the kernel gives ports to outgoing connections, of which a load opens many.
_BELOW_EPHEMERAL = range(10_000, 30_000)


def state(address: str) -> dict[str, Any] | None:
    """Return /lab/state.json of the page at `address`, or None while it does not answer."""
    try:
        asked = urllib.request.Request(f"{address}/lab/state.json", headers=_login())
        with _DIRECT.open(asked, timeout=5) as reply:
            found: dict[str, Any] = json.load(reply)
            return found
    except (OSError, HTTPException, ValueError):
        return None


def text(url: str) -> str:
    """Return what a URL of this machine answers. Raises OSError if it does not."""
    with _DIRECT.open(url, timeout=5) as reply:
        return str(reply.read().decode())


def _login() -> dict[str, str]:
    """Return the header of HTTP's own login, {} for a page without one."""
    password = from_environment(PAGE_PASSWORD)
    if not password:
        return {}
    both = f"{from_environment('PAGE_USER')}:{password}".encode()
    return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}


def workers(address: str) -> int:
    """Return the number of live workers that the page knows, or -1 while it does not answer."""
    found = state(address)
    return -1 if found is None else sum(not worker.get("lost") for worker in found["workers"])


def taken(port: int, host: str = "127.0.0.1") -> bool:
    """Whether another program listens on `port`."""
    with closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something accepts connections on `port`: one is made, and closed at once."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def check_free(setting: str, port: str, host: str = "") -> None:
    """Raise LabError if another program listens on `port`; `setting` is the variable that chooses another one."""
    host = host or "127.0.0.1"
    if taken(int(port), host):
        another = folders.command("up", f"{setting}=...")
        raise LabError(f"port {port} on {host} is taken by another program: `{another}` takes another one")


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that was free a moment ago, and that no outgoing connection takes before it is bound."""
    return free_ports(1, host)[0]


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Return so many different ports that were free a moment ago, see `free_port`."""
    found: list[int] = []
    for port in random.sample(_BELOW_EPHEMERAL, 100 * count):
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind((host, port))
            found.append(port)
        if len(found) == count:
            return found
    raise LabError(f"no free port on {host}")
