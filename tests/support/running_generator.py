"""A load generator of the benchmarks, running with few connections against their echo server."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import echo_server
from bench.load.contenders import CONTENDERS, RunningGenerator, Workload, running
from bench.load.echo_server import Echo

LONG = 60.0


def until(true: Callable[[], object]) -> None:
    """Wait until it is true; AssertionError after a long time."""
    deadline = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@contextmanager
def at_work(
    name: str, folder: Path, connections: int = 3, every: float = 0.0
) -> Iterator[tuple[Echo, RunningGenerator]]:
    """Run a generator against its own echo server, until the block ends."""
    with Echo(echo_server.program()) as server:
        load = Workload(server.port, connections, 10.0, every, 300)
        with running(CONTENDERS[name], load, folder) as run:
            yield server, run


def demand_messages(name: str, folder: Path, connections: int = 3, every: float = 0.0, messages: int = 50) -> None:
    """Check that a generator opens exactly its connections and sends lines on them."""
    with at_work(name, folder, connections, every) as (server, run):
        until(lambda: server.counts()["accepted"] >= connections)
        before = server.counts()["messages"]
        until(lambda: server.counts()["messages"] >= before + messages)
        found = server.counts()
        assert (found["accepted"], found["closed"], run.died()) == (connections, 0, ""), (found, run.evidence())
        assert run.pid in [process.pid for process in run.started] or name == "tsung"
    assert not any(process.alive() for process in run.started)
