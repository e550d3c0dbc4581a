import sys
from pathlib import Path

import pytest

from bench.server import contenders
from bench.server.contenders import PEER_NAMES, SELECT, SERVERS, Server, ours, running
from lab.errors import LabError
from tests.support.serving import demand_echo, needs_gcc


@pytest.mark.parametrize("name", [SELECT, *(pytest.param(name, marks=needs_gcc) for name in ("c-select", "c-epoll"))])
def test_ours_and_those_in_c_echo(name: str, tmp_path: Path) -> None:
    """(Those in Python have tests of their own: ../peers/.)"""
    demand_echo(SERVERS[name], tmp_path)


def test_ours_is_run_as_a_user_runs_it(tmp_path: Path) -> None:
    command = ours("epoll", "--processes", "2")()
    assert command[:5] == [sys.executable, "-m", "server", "--model", "epoll"]
    assert command[-2:] == ["--processes", "2"]
    with running(SERVERS[SELECT], tmp_path) as server:
        assert server.admin.startswith("127.0.0.1:")
        assert server.pids() == [server.process.pid]


def test_ours_comes_first_and_those_in_c_are_yardsticks() -> None:
    assert list(SERVERS) == [SELECT, *PEER_NAMES]
    assert set(PEER_NAMES) > contenders.YARDSTICKS


def _broken(code: str) -> Server:
    return Server("broken", "a broken one", lambda: [sys.executable, "-c", code])


def test_one_that_does_not_start_is_told_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="a broken one: it ended with 1") as error, running(_broken("1/0"), tmp_path):
        pass
    assert error.value.evidence.endswith("ZeroDivisionError: division by zero")


def test_one_that_dies_at_work_is_told_as_well(tmp_path: Path) -> None:
    code = "import sys; print('listening on 127.0.0.1:1', file=sys.stderr, flush=True); sys.exit('it hurts')"

    def lose(server: contenders.Running) -> None:
        while server.process.alive():
            pass
        raise LabError("the load: connection reset")

    match = "connection reset; the server: it ended with 1"
    with pytest.raises(LabError, match=match) as error, running(_broken(code), tmp_path) as server:
        lose(server)
    assert error.value.evidence.endswith("it hurts")


def test_children_serve_too(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=-1); "
        "print('listening on 127.0.0.1:1', child.pid, file=sys.stderr, flush=True); time.sleep(300)"
    )
    with running(_broken(code), tmp_path) as server:
        child = int(server.process.text().split()[-1])
        assert server.pids() == [server.process.pid, child]


def test_more_flags_make_another_server_and_leave_the_first_as_it_is() -> None:
    first = SERVERS[SELECT]
    told = first.told("--block-ms", "5", label="blocked")
    assert told.command() == [*first.command(), "--block-ms", "5"]
    assert (told.name, told.label) == (first.name, "blocked")
    assert first.told().label == first.label
