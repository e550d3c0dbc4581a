import threading

import pytest

from lab.drills.network import bandwidth
from lab.drills.network.bandwidth import Bandwidth
from tests.support.network_drills import BEFORE, Staged, bounds, staged


def test_what_leaves_is_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bandwidth, "LOOK_S", 0.5)
    with staged(monkeypatch, 20) as (here, connections, namespace):
        ended = threading.Event()

        def talk() -> None:
            while not ended.is_set():
                connections.talk(0.2)

        talking = threading.Thread(target=talk)
        talking.start()
        try:
            with Bandwidth().injected(here.stage):
                assert "tbf d111:" in namespace.run("tc", "qdisc", "show", "dev", "lo")
        finally:
            ended.set()
            talking.join()
        assert "tbf" not in namespace.run("tc", "qdisc", "show", "dev", "lo")
    # The exact share needs a queue that is never empty: tests/containers.
    assert 0 < here.own["percent_of_limit"] < 1000
    assert "was limited to" in here.findings[0]


def test_predicts_the_limit_and_that_nobody_gives_up() -> None:
    assert bounds(Bandwidth().expects(Staged().stage, BEFORE)) == {"own.percent_of_limit": (97, 103), "lost": (0, 0)}


def test_replies_must_be_allowed_to_wait() -> None:
    assert Bandwidth().unfit(Staged(TIMEOUT="5").settings) == "it needs TIMEOUT=6 or more"
    assert Bandwidth().unfit(Staged().settings) == ""
