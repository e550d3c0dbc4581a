from pathlib import Path

import pytest

from bench.server import peer_venv
from bench.server.contenders import SERVERS
from tests.support.bench_servers import demand_echo

not_installed = pytest.mark.skipif(not peer_venv.made(), reason="bench-server has not installed uvloop here")


@pytest.mark.parametrize("loop", ["asyncio", pytest.param("uvloop", marks=not_installed)])
def test_protocol_server_echoes(loop: str, tmp_path: Path) -> None:
    demand_echo(SERVERS[loop], tmp_path)
