"""The lab's own server as the target: it speaks TLS, and its counters fill a ledger."""

import re
import signal
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.engines.native import processes
from lab.errors import LabError, finish_despite_interrupt
from lab.run.certificate import Certificate
from lab.waiting import wait_for

START_S = 60.0
TIMEOUT_S = 10.0
LISTENING = re.compile(r"holdfast server listening on \S+:(\d+) admin (\S+)")
_FIGURE = re.compile(r"^holdfast_server_(accepted|closed|messages)_total(?:{[^}]*})? (\S+)$", re.M)
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # past a proxy that the caller has set


@dataclass(frozen=True)
class LabServer:
    """A server that runs: its port, the address of its admin port (http://...), and its process."""

    port: int
    admin: str
    pid: int = 0

    def counts(self) -> dict[str, Any]:
        """Return {now, accepted, closed, messages}; `now` is of the monotonic clock. LabError without an answer."""
        now = time.monotonic()
        try:
            with _DIRECT.open(f"{self.admin}/metrics", timeout=TIMEOUT_S) as reply:
                return {"now": now, **totals(reply.read().decode())}
        except OSError as error:
            raise LabError(f"the server's counters can't be read: {error}") from None


def totals(metrics: str) -> Mapping[str, int]:
    """Return {accepted, closed, messages} from the text of /metrics, the reasons of closing together."""
    found = {"accepted": 0, "closed": 0, "messages": 0}
    for name, value in _FIGURE.findall(metrics):
        found[name] += int(float(value))
    return found


@contextmanager
def lab_server(folder: Path, connections: int, certificate: Certificate | None = None) -> Iterator[LabServer]:
    """Run the server with model epoll and app echo until the block ends; with a certificate it speaks TLS."""
    command = [sys.executable, "-m", "server", "--model", "epoll", "--app", "echo", "--host", "127.0.0.1"]
    command += ["--port", "0", "--admin-host", "127.0.0.1", "--admin-port", "0"]
    command += ["--max-connections", str(connections + 100)]
    if certificate:
        command += ["--tls-cert", str(certificate.cert), "--tls-key", str(certificate.key)]
    server = processes.start("server", command, {}, folder, signal.SIGTERM)

    def ended() -> str:
        return "" if server.alive() else "it has ended"

    try:
        wait_for("the server", lambda: bool(LISTENING.search(server.text())), START_S, ended, server.text)
        match = LISTENING.search(server.text())
        assert match
        yield LabServer(int(match[1]), f"http://{match[2]}", server.pid)
    finally:
        finish_despite_interrupt(lambda: processes.stop([server]))
