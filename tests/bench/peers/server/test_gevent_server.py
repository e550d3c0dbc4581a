import sys
from pathlib import Path

from bench.harness.compiled import PEERS
from bench.server.contenders import ServerSpec
from tests.support.bench_servers import demand_echo


def test_gevent_server_echoes(tmp_path: Path) -> None:
    """Uses the gevent of Locust, so the test needs no separate environment."""
    demand_echo(
        ServerSpec("gevent", "gevent", lambda: [sys.executable, str(PEERS / "server/gevent_server.py")]), tmp_path
    )
