"""A network namespace of a test's own, for which no rights are needed where the kernel lets users have some.

In it: `HERE`, the command that runs something there, and connections of a process to itself, which can be asked who is
answered.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.drills.namespace import agent
from lab.drills.namespace.helper import Helper

AGENT = str(Path(agent.__file__))
_HOLDER = "ip link set lo up && nft list tables && ss -H && tc qdisc show >&2 && echo ready; exec cat"
CONNECTIONS = """
import json, select, socket, sys, threading, time
count = int(sys.argv[1])
listener = socket.create_server(("127.0.0.1", 0), backlog=count)
clients, served, poll = [], {}, select.poll()
for _ in range(count):
    clients.append(socket.create_connection(listener.getsockname()))
    one = listener.accept()[0]
    served[one.fileno()] = one
    poll.register(one, select.POLLIN)

def serve():
    while True:
        for number, event in poll.poll():
            try:
                data = served[number].recv(1000)
                served[number].send(data) if data else poll.unregister(number)
            except OSError:
                poll.unregister(number)

threading.Thread(target=serve, daemon=True).start()
print(listener.getsockname()[1], flush=True)
for line in sys.stdin:
    if line.startswith("close"):
        for _ in range(int(line.split()[1])):
            clients.pop().close()
        print("{}", flush=True)
        continue
    found = {"answered": 0, "silent": 0, "reset": 0}
    for client in clients:
        try:
            client.send(b"x" * 20)
        except OSError:
            pass
    client_wait = time.monotonic() + float(line)
    for client in clients:
        client.settimeout(max(0.001, client_wait - time.monotonic()))
        try:
            found["answered" if client.recv(1000) else "reset"] += 1
        except TimeoutError:
            found["silent"] += 1
        except OSError:
            found["reset"] += 1
    print(json.dumps(found), flush=True)
"""


class Namespace:
    """A namespace that lives as long as its holder."""

    def __init__(self, holder: subprocess.Popen[str]) -> None:
        self.here = ["nsenter", f"--target={holder.pid}", "--user", "--net", "--preserve-credentials"]

    def helper(self, where: str = "server", lease: float = 30.0) -> Helper:
        """Return a helper in it."""
        return Helper(where, [*self.here, sys.executable, AGENT, str(lease)])

    def run(self, *command: str) -> str:
        """Return the output of a command in it."""
        return subprocess.run([*self.here, *command], capture_output=True, text=True, check=True, timeout=30).stdout

    @contextlib.contextmanager
    def connections(self, count: int) -> Iterator["Connections"]:
        """Hold connections of a process to itself."""
        command = [*self.here, sys.executable, "-c", CONNECTIONS, str(count)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield Connections(process)
            finally:
                process.kill()


class Connections:
    """Connections in a namespace, and the port of their server."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin
        assert process.stdout
        self._process = process
        self._in, self._out = process.stdin, process.stdout
        self.port = int(self._out.readline())

    def end(self) -> None:
        """Kill their process: its kernel closes them all."""
        self._process.kill()
        self._process.wait()

    def close(self, count: int) -> None:
        """Close so many clients; returns when it is done."""
        self._in.write(f"close {count}\n")
        self._in.flush()
        self._out.readline()

    def talk(self, seconds: float) -> dict[str, int]:
        """Say something on each; gives how many were answered, silent for so many seconds, and reset."""
        self._in.write(f"{seconds}\n")
        self._in.flush()
        found: dict[str, int] = json.loads(self._out.readline())
        return found


@contextlib.contextmanager
def namespace() -> Iterator[Namespace]:
    """Make one, or skip the test with what this machine lacks for it."""
    for name in ("unshare", "nsenter", "nft", "tc", "ss", "ip"):
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed")
    holder = subprocess.Popen(
        ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", _HOLDER],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdin
    assert holder.stdout
    assert holder.stderr
    with holder:
        try:
            if holder.stdout.readline() != "ready\n":
                holder.stdin.close()
                pytest.skip(f"no network namespace with nft can be made here: {holder.stderr.read().strip()}")
            yield Namespace(holder)
        finally:
            holder.kill()


_NFT = """
case $1 in
list) cat table 2>/dev/null; true;;
-f) cat >rules; echo table inet holdfast_drill >table;;
delete) test ! -e stuck && rm table;;
esac"""
_TC = """
case "$1 $2" in
"qdisc show") cat queue 2>/dev/null; true;;
"qdisc add") echo qdisc tbf d111: dev $4 root >queue;;
"qdisc del") rm queue;;
*) echo unknown >&2; exit 2;;
esac"""


class FakeTools:
    """nft and tc as commands in a folder, which keep a table and a queue as files there, or refuse to remove them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self._write("nft", _NFT)
        self._write("tc", _TC)

    def _write(self, name: str, script: str) -> None:
        (self.folder / name).write_text(f"#!/bin/sh\ncd {self.folder}\n{script}\n")
        (self.folder / name).chmod(0o755)

    def command(self, lease: float = 30.0) -> list[str]:
        """Return the command of an agent that finds these, and no real ones."""
        return ["env", f"PATH={self.folder}:/bin:/usr/bin", sys.executable, AGENT, str(lease)]

    def there(self) -> set[str]:
        """Return which of table and queue are there."""
        return {name for name in ("table", "queue") if (self.folder / name).exists()}

    def stick(self) -> None:
        """Refuse to remove the table from now on."""
        (self.folder / "stuck").touch()


def until(condition: Callable[[], Any], seconds: float = 20.0) -> bool:
    """Wait for a condition; whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(condition())


def add_both(helper: Helper, extra: Sequence[str] = ()) -> None:
    """Add a table and a queue to fake tools."""
    helper.run("nft", "-f", "-", *extra, text="table inet holdfast_drill {}")
    helper.run("tc", "qdisc", "add", "dev", "eth0", "root")
