from pathlib import Path

import pytest

from bench.load import echo_server
from bench.load.contenders import Generator, Workload, locust, running
from bench.load.echo_server import Echo
from tests.support.running_generator import until


@pytest.mark.parametrize("session", ["order", "key", "due", "heartbeat"])
def test_each_session_holds_its_connections_and_sends(tmp_path: Path, session: str) -> None:
    every = 0.05 if session in ("due", "heartbeat") else 0.0
    generator, connections = Generator(session, session, locust("sessions.py", session)), 3
    with Echo(echo_server.program()) as server:
        workload = Workload(server.port, connections, 10.0, every, 300)
        with running(generator, workload, tmp_path) as run:
            until(lambda: server.counts()["accepted"] >= connections)
            until(lambda: server.counts()["messages"] >= 50)
            found = server.counts()
            assert (found["accepted"], found["closed"], run.died()) == (connections, 0, "")
