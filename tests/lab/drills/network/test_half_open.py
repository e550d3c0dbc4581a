import subprocess

import pytest

from lab.drills.network.half_open import HalfOpen
from tests.support.network_drills import BEFORE, Staged, staged


def test_the_end_of_the_server_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with staged(monkeypatch, 5, EVERY="0") as (here, connections, namespace):
        with HalfOpen().injected(here.stage):
            # As if the server had ended: its kernel sends FIN or RST, and the rule counts and drops it.
            with pytest.raises(subprocess.CalledProcessError):
                namespace.run("python3", "-c", _TALK_TO_NOBODY.format(port=connections.port))
            assert namespace.run("nft", "list", "table", "inet", "holdfast_drill").count("packets 0 bytes 0") == 1
        assert here.lab.containers[0].did == ["kill", "start"]
    assert here.findings == [
        "silent users have not noticed that their server is gone: only a heartbeat would show it"
    ]


# Frees the port of a connection that the server has not closed, then waits for an answer to a message on it.
_TALK_TO_NOBODY = """
import socket
one = socket.create_connection(("127.0.0.1", {port}))
one.shutdown(socket.SHUT_WR)
one.settimeout(0.5)
one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
raise SystemExit(len(one.recv(1)))
"""


def test_users_notice_when_they_speak_next() -> None:
    here = Staged(for_s=20.0, EVERY="10")
    assert HalfOpen().seconds(here.settings) == 20
    found = {one.figure: (one.least, one.most) for one in HalfOpen().expects(here.stage, BEFORE)}
    assert found == {
        "lost": (800, 800), "dropped.closed": (0, 0), "notice_p99_s": (0, 17), "notice_p50_s": (2.5, None)
    }  # fmt: skip


def test_silent_users_never_notice() -> None:
    (lost,) = HalfOpen().expects(Staged(EVERY="0").stage, BEFORE)
    assert (lost.least, lost.most) == (0, 0)
