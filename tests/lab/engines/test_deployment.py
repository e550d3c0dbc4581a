"""What a deployment is without an engine: nothing is done to its parts unless an engine can do it."""

import signal

import pytest

from lab.engines.deployment import Deployment
from lab.settings import read
from tests.support.fake_engine import FakePart


class Bare(Deployment):
    """Has one part, and no engine."""

    def parts(self) -> list[FakePart]:
        return [FakePart("server", 2, "holdfast server: no")]

    def start(self) -> None:
        return

    def stop(self) -> None:
        return


def test_faults_need_an_engine() -> None:
    bare = Bare(read({}, {}))
    for call in (bare.kill_server, bare.restart_server, bare.server_metrics):
        with pytest.raises(NotImplementedError):
            call()
    with pytest.raises(NotImplementedError):
        bare.signal_server(1, signal.SIGTERM)
    with pytest.raises(NotImplementedError):
        bare.tell("file", "content")
