import pytest

from lab.drills.network.worker_cut import WorkerCut
from tests.support.network_drills import BEFORE, Staged, staged


def test_what_stays_inside_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with staged(monkeypatch, 3) as (here, connections, namespace):
        with WorkerCut().injected(here.stage):
            assert connections.talk(5.0)["answered"] == 3
            assert "127.0.0.0/8 counter" in namespace.run("nft", "list", "ruleset")
        assert namespace.run("nft", "list", "ruleset") == ""


def test_names_the_worker_and_predicts_that_the_others_go_on() -> None:
    here = Staged(WORKERS="3")
    assert WorkerCut().unknown(here.stage) == ("worker-1",)
    (held,) = WorkerCut().expects(here.stage, BEFORE)
    assert (held.figure, held.least) == ("held_min", 800 - 267)


def test_another_worker_has_to_go_on() -> None:
    assert WorkerCut().unfit(Staged(WORKERS="1").settings) == "with WORKERS=1 nothing is left to be watched: set WORKERS=2"
    assert WorkerCut().unfit(Staged().settings) == ""
