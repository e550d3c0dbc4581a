import socket
from pathlib import Path

import pytest

from bench.server.clients import burst
from bench.server.clients.burst import BurstResult, ConnectionBurst
from bench.server.contenders import ServerSpec, ours, running
from tests.support.running_generator import until


@pytest.fixture(autouse=True)
def _long_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a burst without answers lasts this long."""
    monkeypatch.setattr(burst, "PATIENCE_S", 20.0)
    monkeypatch.setattr(burst, "WITHIN_S", 60.0)


def _burst(folder: Path, size: int, model: str, *flags: str) -> tuple[BurstResult, str]:
    with (
        running(ServerSpec(model, model, ours(model, *flags)), folder) as server,
        ConnectionBurst(server.port, size) as found,
    ):
        return found.result, server.died()


def test_all_connections_except_the_silent_one_are_answered(tmp_path: Path) -> None:
    assert _burst(tmp_path, 50, "select") == (BurstResult(answered=49), "")


def test_refused_connections_are_not_answered(tmp_path: Path) -> None:
    found, _ = _burst(tmp_path, 50, "select", "--max-connections", "10")
    assert found.answered + found.refused + found.failed in (49, 50)  # the server may also refuse the silent connection
    assert found.answered <= 10
    assert found.flooded == 0


def test_silent_connection_blocks_all_others_of_the_sync_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(burst, "PATIENCE_S", 0.3)
    assert _burst(tmp_path, 5, "sync")[0] == BurstResult()


def test_burst_detects_a_flood(tmp_path: Path) -> None:
    with (
        running(ServerSpec("tutorial", "tutorial", ours("tutorial")), tmp_path) as server,
        ConnectionBurst(server.port, 5) as found,
    ):
        assert found.result.answered == 4
        # A slow machine may send the flood after the time that a burst waits for it.
        until(lambda: found.poll(0.05) or found.result.flooded == 4)


def test_flood_that_comes_with_the_reply_is_an_answer_as_well() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ConnectionBurst(listener.getsockname()[1], 0) as found:
        found._size = 2
        found._open()
        found._open()
        silent, talking = listener.accept()[0], listener.accept()[0]
        until(lambda: found.poll(0.05) or found._waiting)
        asked = found._connections[max(found._connections)].asked
        talking.sendall(asked * 50)  # more than one read takes, cut in the middle of a line
        until(lambda: found.poll(0.05) or found.result.flooded)
        assert (found.result.answered, found.result.flooded) == (1, 1)
        silent.close()
        talking.close()
