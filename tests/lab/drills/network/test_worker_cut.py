import pytest

from lab.drills.network.worker_cut import WorkerCut
from tests.support.network_drills import BEFORE, Staged, bounds, staged


def test_what_stays_inside_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with staged(monkeypatch, 3) as (here, connections, namespace):
        with WorkerCut().injected(here.stage):
            assert connections.talk(5.0)["answered"] == 3
            assert "127.0.0.0/8 counter" in namespace.run("nft", "list", "ruleset")
        assert namespace.run("nft", "list", "ruleset") == ""


def test_one_worker_is_unknown_and_the_others_go_on() -> None:
    here = Staged(WORKERS="3")
    assert WorkerCut().unknown(here.stage) == 1
    assert WorkerCut().keeps(here.stage, BEFORE) == 533
    found = bounds(WorkerCut().expects(here.stage, BEFORE))
    assert found == {"lost": (0, 267), "held_min": (532, 534)}


def test_another_worker_has_to_go_on() -> None:
    assert WorkerCut().unfit(Staged(WORKERS="1").settings)
    assert WorkerCut().unfit(Staged().settings) == ""
