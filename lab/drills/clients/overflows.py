"""How often a listener had no room for a connection, as the kernel of the server's network counts."""

from pathlib import Path
from typing import cast

from lab.drills.drill import DOCKER, Stage
from lab.engines.docker.container import ContainerPart
from lab.engines.native.deployment import ProcessPart


def overflows(stage: Stage) -> int:
    """Return how often a listener of the server's network had no room, as its kernel counts."""
    server = stage.parts("server")[0]
    if stage.engine == DOCKER:
        return listen_overflows(cast(ContainerPart, server).execute("cat", "/proc/net/netstat"))
    return listen_overflows(Path(f"/proc/{cast(ProcessPart, server).pid}/net/netstat").read_text())


def listen_overflows(netstat: str) -> int:
    """Return the counter in the text of /proc/net/netstat: a line of names, a line of values."""
    names, values = (line.split() for line in netstat.splitlines() if line.startswith("TcpExt:"))
    return int(values[names.index("ListenOverflows")])
