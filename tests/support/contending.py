"""A contender of the benchmarks at work against the benchmarks' own echo server, with few connections."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import echo_server
from bench.load.contenders import CONTENDERS, Load, Run, running
from bench.load.echo_server import Echo

LONG = 60.0


def until(true: Callable[[], object]) -> None:
    """Wait for it, long; who waits in vain hears of it."""
    deadline = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


@contextmanager
def at_work(name: str, folder: Path, connections: int = 3, every: float = 0.0) -> Iterator[tuple[Echo, Run]]:
    """Let it load an echo server of its own, until the block ends."""
    with Echo(echo_server.program()) as server:
        load = Load(server.port, connections, 10.0, every, 300)
        with running(CONTENDERS[name], load, folder) as run:
            yield server, run


def demand_messages(name: str, folder: Path, connections: int = 3, every: float = 0.0, messages: int = 50) -> None:
    """Demand that it opens exactly its connections, and sends lines on them."""
    with at_work(name, folder, connections, every) as (server, run):
        until(lambda: server.counts()["accepted"] >= connections)
        before = server.counts()["messages"]
        until(lambda: server.counts()["messages"] >= before + messages)
        found = server.counts()
        assert (found["accepted"], found["closed"], run.died()) == (connections, 0, ""), (found, run.evidence())
        assert run.generator in [process.pid for process in run.started] or name == "tsung"
    assert not any(process.alive() for process in run.started)
