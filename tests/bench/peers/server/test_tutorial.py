from pathlib import Path

from bench.harness import procfs
from bench.server.contenders import SERVERS, running
from tests.support.bench_servers import demand_echo
from tests.support.running_generator import until
from tests.support.sockets import DEADLINE, connect

SERVER = SERVERS["tutorial"]


def test_tutorial_server_echoes(tmp_path: Path) -> None:
    demand_echo(SERVER, tmp_path)


def test_flood_and_short_sends_of_the_tutorial_are_fixed(tmp_path: Path) -> None:
    """Each byte comes back once, even for a client that reads late; then the server sleeps."""
    sent = b"".join(b"line %09d\n" % number for number in range(200_000))
    with running(SERVER, tmp_path) as server, connect(server.port) as peer:
        peer.setblocking(False)
        done, found = 0, b""
        while len(found) < len(sent):
            try:
                done += peer.send(sent[done:]) if done < len(sent) else 0
            except BlockingIOError:  # it has no more room: read now
                pass
            else:
                if done < len(sent):
                    continue
            peer.settimeout(DEADLINE)
            found += peer.recv(1_000_000)
            peer.setblocking(False)
        assert found == sent
        until(lambda: procfs.sleeps(server.process.pid))
