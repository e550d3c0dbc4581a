"""The servers of bench-server, running in tests: with the load client in C, or with plain sockets."""

import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.harness import compiled
from bench.results.record import Record
from bench.server.clients.load_client import LoadClient
from bench.server.contenders import PEER_NAMES, SELECT, SERVERS, RunningServer, ServerSpec, running
from tests.support.sockets import connect, read_exactly

needs_gcc = pytest.mark.skipif(not shutil.which("gcc") and not shutil.which("cc"), reason="no C compiler")
QUICK = "tutorial"  # starts fast, and needs neither a compiler nor a virtual environment


@contextmanager
def at_work(folder: Path, held: int = 0, name: str = QUICK) -> Iterator[tuple[RunningServer, LoadClient]]:
    """Run a server, and a load client that holds so many connections to it."""
    with running(SERVERS[name], folder) as server, LoadClient(compiled.program("server/load"), server.port) as load:
        if held:
            load.hold(held)
        yield server, load


def demand_echo(server: ServerSpec, folder: Path) -> None:
    """Check that it echoes for several clients, also more than one segment, and goes on when one of them closes."""
    with running(server, folder) as at_work, ExitStack() as stack:
        peers = [stack.enter_context(connect(at_work.port)) for _ in range(3)]
        for text in (b"one line\n", bytes(range(256)) * 200 + b"\n", b"last\n"):
            for peer in peers:
                peer.sendall(text)
            assert [read_exactly(peer, len(text)) for peer in peers] == [text] * len(peers)
            if len(peers) == 3:
                peers.pop().close()
        for peer in peers:  # nothing was sent twice: after the end of input comes the end of output
            peer.shutdown(socket.SHUT_WR)
            assert peer.recv(100) == b""
        assert at_work.died() == ""
    assert not at_work.process.alive()


def records(experiment: str, value: str, ours: float | None, **peers: float) -> list[Record]:
    """One trial of an experiment for ours and some peers ("c_select" is c-select), with one value each."""
    values = {SELECT: ours, **{name.replace("_", "-"): found for name, found in peers.items()}}
    assert set(values) <= {SELECT, *PEER_NAMES}
    return [Record(experiment, name, 1, {value: found, "stolen": 0.0}) for name, found in values.items()]


def trial(experiment: str, **values: Any) -> Record:
    """One trial of ours."""
    return Record(experiment, SELECT, 1, {"stolen": 0.0, **values})
