import sys
from pathlib import Path

from bench.harness.compiled import PEERS
from bench.server.contenders import ServerSpec
from tests.support.serving import demand_echo


def test_it_echoes(tmp_path: Path) -> None:
    """With the gevent that Locust depends on: no environment is made for a test."""
    demand_echo(
        ServerSpec("gevent", "gevent", lambda: [sys.executable, str(PEERS / "server/gevent_server.py")]), tmp_path
    )
