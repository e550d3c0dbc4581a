import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bench.harness import compiled, procfs
from bench.server.clients.load_client import LoadClient
from lab.errors import LabError
from tests.support.bench_servers import at_work, needs_gcc
from tests.support.running_generator import until

pytestmark = needs_gcc
LINE = 20
BURN = """
import threading, time

def burn():
    while time.thread_time() < 0.2:
        pass

thread = threading.Thread(target=burn)
thread.start()
thread.join()
burn()
print(flush=True)
input()
"""


def test_closed_loop_continues_until_it_is_stopped(tmp_path: Path) -> None:
    with at_work(tmp_path, 20) as (_, load):
        before = load.counts()["messages"]
        assert before >= 20  # each has had a reply before it counts as held
        load.closed(5)
        until(lambda: load.counts()["messages"] >= before + 100)
        load.stop()
        assert load.counts()["messages"] >= before + 100


def test_client_can_open_more_connections_later(tmp_path: Path) -> None:
    with at_work(tmp_path, 2) as (_, load):
        load.hold(6)
        load.closed(6)
        load.stop()


def test_rush_ends_when_all_connections_are_accepted(tmp_path: Path) -> None:
    with at_work(tmp_path) as (_, load):
        assert load.rush(150) > 0
        assert load.counts()["messages"] == 0
        load.closed(150)
        load.stop()


def test_connections_never_accepted_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with LoadClient(compiled.program("server/load"), 1) as load:
        monkeypatch.setattr(load, "call", lambda command: {"held": 9, "queued": 2, "seconds": 1.0})
        with pytest.raises(LabError, match="2 of 9 connections were never accepted"):
            load.rush(9)


def test_clients_that_share_a_server_have_their_own_addresses(tmp_path: Path) -> None:
    with at_work(tmp_path) as (server, _), LoadClient(compiled.program("server/load"), server.port, 20_000) as load:
        load.hold(1)
        addresses = {line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()}
        assert any(address.startswith("0300007F") for address in addresses)  # 127.0.0.3


def test_an_open_loop_sends_messages_when_due(tmp_path: Path) -> None:
    with at_work(tmp_path, 20) as (_, load):
        before = load.counts()["messages"]
        for active, rate, seconds in ((20, 500, 0.4), (3, 100, 0.2)):
            found = load.open(active, rate, seconds)
            assert (found["due"], found["answered"]) == (rate * seconds, rate * seconds)
            for name in ("due_us", "sent_us", "late_us"):
                shares = [found[name][share] for share in ("p50", "p90", "p99", "p99_9", "max")]
                assert shares == sorted(shares)
                assert shares[0] >= 0
            assert found["due_us"]["max"] >= found["sent_us"]["p50"]
        assert load.counts()["messages"] == before + 220


def test_a_slow_reader_gets_all_bytes(tmp_path: Path) -> None:
    with at_work(tmp_path) as (_, load):
        assert load.call("slow 1000000 1000 65536 1")["bytes"] == 1_000_000
        assert load.call("slow 100010 20 4096 1")["bytes"] == 100_000  # whole lines


def test_cpu_time_includes_ended_threads() -> None:
    """Compared with the kernel's count for the process in /proc, in ticks."""
    with (
        subprocess.Popen([sys.executable, "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process,
        LoadClient(compiled.program("server/load"), 1) as load,
    ):
        assert process.stdout
        process.stdout.readline()
        until(lambda: procfs.sleeps(process.pid))
        found = load.counts([process.pid])["cpu_s"]
        assert found >= 0.4
        assert found == pytest.approx(procfs.cpu_s(process.pid), abs=2.1 * procfs.TICK_S)
        both = load.counts([process.pid, load.pid])["cpu_s"]
        assert found < both < found + 1
        process.kill()
    with (
        LoadClient(compiled.program("server/load"), 1) as load,
        pytest.raises(LabError, match=f"process {process.pid} has ended"),
    ):
        load.counts([process.pid])


@pytest.fixture
def wrong_server() -> Iterator[Callable[[Callable[[bytes], bytes]], int]]:
    """Start a server for one connection that answers each line with `reply(line)`, b"" closes it; return its port."""
    threads: list[threading.Thread] = []

    def start(reply: Callable[[bytes], bytes]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            with listener, listener.accept()[0] as peer, suppress(ConnectionResetError):
                while (line := peer.recv(LINE)) and (answer := reply(line)):
                    peer.sendall(answer)

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return int(listener.getsockname()[1])

    yield start
    for thread in threads:
        thread.join(60)


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (lambda line: line[:-2] + b"?\n", "the reply to message 0 is wrong"),
        (lambda line: line + line, "more came back than was sent"),
        (lambda line: b"", "closed by the server|Connection reset"),
    ],
)
def test_first_wrong_reply_is_an_error(
    wrong_server: Callable[..., int], reply: Callable[[bytes], bytes], problem: str
) -> None:
    with (
        LoadClient(compiled.program("server/load"), wrong_server(reply)) as load,
        pytest.raises(LabError, match=f"the load client: connection 0: ({problem})"),
    ):
        load.hold(1)


def test_unanswered_messages_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with LoadClient(compiled.program("server/load"), 1) as load:
        monkeypatch.setattr(load, "receive", lambda: {"unanswered": 3, "due": 9, "answered": 7})
        with pytest.raises(LabError, match="3 messages were never answered"):
            load.stop()
        with pytest.raises(LabError, match="2 of 9 were never answered"):
            load.open(1, 1, 1)


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("closed 1", "1 active of 0 held"),
        ("open 1 1 1", "1 active of 0 held"),
        ("dance", "unknown command"),
        ("hold 1", "connection 0: Connection refused"),
        ("slow 1 0 0 0", "1 to 65536 bytes"),
    ],
)
def test_invalid_commands_are_errors(command: str, problem: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with LoadClient(compiled.program("server/load"), port) as load, pytest.raises(LabError, match=problem):
        load.call(command)
