"""Shared parts of the contract suite: the servers that it tests, and common checks."""

from __future__ import annotations

import socket
from collections.abc import Callable
from time import monotonic

import pytest

from server.models import MODELS
from server.models.base import Model, Promise, load
from tests.support.server_process import ServerProcess
from tests.support.sockets import (
    eventually,
)

GREETING = b"Hello from server!\n"
FULL = b"ERR server full\n"
MESSAGE = b"x" * 999 + b"\n"

QUIET_TRIES = 5

IN = 'bytes_total{direction="in"}'
OUT = 'bytes_total{direction="out"}'


#: One server each: a model, and how many processes share the connections if the model does not decide that.
SERVERS = (*MODELS, "select x3")


def model_of(server: str) -> type[Model]:
    """Return the model of one of SERVERS."""
    return load(server.partition(" x")[0])


def flags(server: str) -> tuple[str, ...]:
    """Return the flags that one of SERVERS is started with."""
    name, _, processes = server.partition(" x")
    return ("--model", name, "--processes", processes) if processes else ("--model", name)


def promises(*made: Promise) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run the test with every server whose model makes these promises."""
    models = [server for server in SERVERS if model_of(server).promises >= set(made)]
    return pytest.mark.parametrize("model", models, scope="module")


def when_empty(server: ServerProcess) -> dict[str, float]:
    """Return the metrics when no connection is open, so that they include the counts of earlier tests."""
    return server.wait_for_metrics(lambda metrics: metrics["connections"] == 0)


def assert_quiet(model: str, server: ServerProcess, client: socket.socket) -> None:
    """Check that `client` receives nothing, and that a model that promises it does not spin in this time.

    A server that spins does so all the time; on a busy machine, one that doesn't may just be noticing an earlier end.
    """
    for _ in range(QUIET_TRIES if Promise.QUIET in model_of(model).promises else 1):
        began, turns = monotonic(), server.metrics()["loop_turns_total"]
        assert_silent(model, server, client)
        turns = server.metrics()["loop_turns_total"] - turns
        if turns <= 5 + 5 * (monotonic() - began):  # Each process checks its timers once a second.
            return
    assert Promise.QUIET not in model_of(model).promises, f"{turns} turns"


def assert_silent(model: str, server: ServerProcess, client: socket.socket) -> None:
    """Check the same by CPU time only: on a busy machine a spinning server may not have used much."""
    before = server.cpu_seconds()
    client.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.recv(1)
    if Promise.QUIET in model_of(model).promises:
        assert server.cpu_seconds() - before < 0.2
    client.settimeout(30)


def begin_to_drain(server: ServerProcess) -> None:
    server.signal()
    eventually(lambda: drains(server), "/healthz says that it drains")


def drains(server: ServerProcess) -> bool:
    try:
        return server.get("/healthz") == (503, "draining\n")
    except OSError:
        return False
