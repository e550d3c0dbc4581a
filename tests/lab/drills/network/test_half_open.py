import pytest

from lab.drills.network.half_open import HalfOpen
from tests.support.network_drills import BEFORE, Staged, bounds, staged


def test_the_end_of_the_server_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with staged(monkeypatch, 5, EVERY="0") as (here, connections, namespace):
        with HalfOpen().injected(here.stage):
            connections.end()  # its kernel sends FIN or RST, and the rule drops it
            assert namespace.run("nft", "list", "table", "inet", "holdfast_drill").count("packets 0 bytes 0") == 1
        assert here.lab.did == ["kill", "restart"]
    assert here.findings == ["silent users have not noticed that their server is gone: only a heartbeat would show it"]


def test_users_notice_when_they_speak_next() -> None:
    here = Staged(for_s=20.0, EVERY="10")
    assert HalfOpen().seconds(here.settings) == 20
    found = bounds(HalfOpen().expects(here.stage, BEFORE))
    assert found == {
        "lost": (800, 800), "dropped.closed": (0, 0), "notice_p99_s": (0, 17), "notice_p50_s": (2.5, None)
    }  # fmt: skip


def test_silent_users_never_notice() -> None:
    assert bounds(HalfOpen().expects(Staged(EVERY="0").stage, BEFORE)) == {"lost": (0, 0)}
