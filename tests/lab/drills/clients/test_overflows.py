"""The kernel's count of connections for which a listener had no room."""

import os
from pathlib import Path

import pytest

from lab.drills.clients.overflows import listen_overflows, overflows
from tests.support.drill_stages import stage

NETSTAT = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 23 24\nIpExt: InNoRoutes\nIpExt: 5\n"


def test_counter_is_found_by_its_name() -> None:
    assert listen_overflows(NETSTAT) == 23


def test_counter_of_the_servers_network(monkeypatch: pytest.MonkeyPatch) -> None:
    found = stage()[0]
    monkeypatch.setattr(found.parts("server")[0], "pid", os.getpid(), raising=False)
    here = listen_overflows(Path("/proc/self/net/netstat").read_text())
    assert overflows(found) >= here
