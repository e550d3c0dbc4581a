from pathlib import Path
from typing import ClassVar

import pytest

from bench.harness import compiled
from bench.server.clients import group
from bench.server.clients.group import ClientGroup
from bench.server.contenders import SERVERS, running
from tests.support.bench_servers import QUICK, needs_gcc
from tests.support.running_generator import until


@needs_gcc
def test_group_uses_several_clients_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "PER_CLIENT", 4)
    with (
        running(SERVERS[QUICK], tmp_path) as server,
        ClientGroup(compiled.program("server/load"), server.port, 10) as load,
    ):
        load.hold(3)
        load.hold(10)
        before = load.counts(server.pids())
        assert before["messages"] >= 13  # all held connections had a reply each time more were opened
        load.closed(7)
        until(lambda: load.counts()["messages"] >= before["messages"] + 100)
        load.stop()
        found = load.open(5, 200, 0.2)
        assert 0 < found["due_us"]["p50"] <= found["due_us"]["max"]
        after = load.counts(server.pids())
        assert after["messages"] >= before["messages"] + 140
        assert after["cpu_s"] > before["cpu_s"]


def test_group_splits_active_connections_like_held_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "PER_CLIENT", 4)
    monkeypatch.setattr(group, "LoadClient", _Silent)
    load = ClientGroup("none", 1, 10)
    load.hold(10)
    load.closed(5)
    assert [client.commands for client in _Silent.made] == [
        ["hold 4", "closed 2"],
        ["hold 4", "closed 2"],
        ["hold 2", "closed 1"],
    ]


class _Silent:
    made: ClassVar[list["_Silent"]] = []

    def __init__(self, program: str, port: int, first: int) -> None:
        self.commands: list[str] = []
        self.made.append(self)

    def hold(self, connections: int) -> None:
        self.commands.append(f"hold {connections}")

    def closed(self, active: int) -> None:
        self.commands.append(f"closed {active}")
