import sys
from pathlib import Path

import pytest

from bench.server import contenders
from bench.server.contenders import PEER_NAMES, SELECT, SERVERS, ServerSpec, ours, running
from lab.errors import LabError
from tests.support.bench_servers import demand_echo, needs_gcc


@pytest.mark.parametrize("name", [SELECT, *(pytest.param(name, marks=needs_gcc) for name in ("c-select", "c-epoll"))])
def test_our_server_and_the_c_servers_echo(name: str, tmp_path: Path) -> None:
    """The Python peers have their own tests, in ../peers/."""
    demand_echo(SERVERS[name], tmp_path)


def test_our_server_starts_with_the_same_command_as_for_users(tmp_path: Path) -> None:
    command = ours("epoll", "--processes", "2")()
    assert command[:5] == [sys.executable, "-m", "server", "--model", "epoll"]
    assert command[-2:] == ["--processes", "2"]
    with running(SERVERS[SELECT], tmp_path) as server:
        assert server.admin.startswith("127.0.0.1:")
        assert server.pids() == [server.process.pid]


def test_our_server_comes_first_and_c_servers_are_references() -> None:
    assert list(SERVERS) == [SELECT, *PEER_NAMES]
    assert set(PEER_NAMES) > contenders.REFERENCES


def _broken(code: str) -> ServerSpec:
    return ServerSpec("broken", "a broken one", lambda: [sys.executable, "-c", code])


def test_a_server_that_does_not_start_is_reported_with_its_output(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="a broken one: it ended with 1") as error, running(_broken("1/0"), tmp_path):
        pass
    assert error.value.evidence.endswith("ZeroDivisionError: division by zero")


def test_a_server_that_ends_during_a_trial_is_reported(tmp_path: Path) -> None:
    code = "import sys; print('listening on 127.0.0.1:1', file=sys.stderr, flush=True); sys.exit('it broke')"

    def lose(server: contenders.RunningServer) -> None:
        while server.process.alive():
            pass
        raise LabError("the load client: connection reset")

    match = "connection reset; the server: it ended with 1"
    with pytest.raises(LabError, match=match) as error, running(_broken(code), tmp_path) as server:
        lose(server)
    assert error.value.evidence.endswith("it broke")


def test_child_processes_are_measured_as_well(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=-1); "
        "print('listening on 127.0.0.1:1', child.pid, file=sys.stderr, flush=True); time.sleep(300)"
    )
    with running(_broken(code), tmp_path) as server:
        child = int(server.process.text().split()[-1])
        assert server.pids() == [server.process.pid, child]


def test_with_flags_returns_a_changed_server() -> None:
    first = SERVERS[SELECT]
    second = first.with_flags("--block-ms", "5", label="blocked")
    assert second.command() == [*first.command(), "--block-ms", "5"]
    assert (second.name, second.label) == (first.name, "blocked")
    assert first.with_flags().label == first.label
