"""What the drills with extra clients predict, what they tell the ledger, and that clients which stay are noticed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from lab.drills.clients import badly_behaved, message
from lab.drills.clients.badly_behaved import usual_p99_ms
from lab.drills.clients.slow_writers import SlowWriters
from lab.drills.drill import Ended
from tests.support.drill_stages import BEFORE, bounds, stage

FIGURES = {
    "opened": 20,
    "messages": 7,
    "sent": 100,
    "received": 9,
    "closed": 1,
    "failed": {"refused": 2},
    "rejected": 0,
}


class Clients:
    """Extra clients that are none."""

    figures = FIGURES

    def __init__(self, *_: Any) -> None:
        self.ended = False

    def __enter__(self) -> "Clients":
        return self

    def __exit__(self, *_: object) -> None:
        self.ended = True


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the server says that it holds, one after the other."""
    counts: list[int] = []
    monkeypatch.setattr(badly_behaved, "ExtraClients", Clients)
    monkeypatch.setattr(badly_behaved, "NOTICE_S", 0.05)
    monkeypatch.setattr(badly_behaved, "held", lambda _: counts.pop(0) if len(counts) > 1 else counts[0])
    return counts


def _injected() -> tuple[dict[str, float], Mapping[str, int]]:
    figures: dict[str, float] = {}
    rows: dict[str, int] = {}
    found = replace(stage()[0], measured=figures.__setitem__, account=rows.update)
    with SlowWriters().injected(found):
        pass
    return figures, rows


@pytest.mark.parametrize(("p99_ms", "most"), [(2.0, 22.0), (50.0, 100.0)])
def test_usual_spread(p99_ms: float, most: float) -> None:
    assert usual_p99_ms(replace(BEFORE, p99_ms=p99_ms)) == most


def test_prediction() -> None:
    own = bounds(SlowWriters().expects(stage()[0], BEFORE))
    assert own["lost"] == own["own.left"] == own["own.not_connected"] == (0, 0)
    assert own["own.seen"] == (20, 20)
    assert own["typical_p99_ms"] == (None, 22.0)
    target = bounds(SlowWriters().expects(stage(TARGET="tcp://a:1")[0], BEFORE))
    assert set(own) - set(target) == {"own.left", "own.seen"}


@pytest.mark.parametrize(("cap", "seen"), [(1000, 20), (108, 8), (50, 0)])
def test_server_is_predicted_to_hold_as_many_as_it_has_room_for(
    cap: int, seen: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, lab = stage()
    monkeypatch.setattr(lab, "server_metrics", lambda: f"holdfast_server_max_connections {cap}.0\n")
    assert bounds(SlowWriters().expects(found, BEFORE))["own.seen"] == (seen, seen)


def test_count_of_the_server_and_what_the_ledger_is_told(held: list[int]) -> None:
    held += [100, 100, 120, 120, 100]
    figures, rows = _injected()
    assert figures == {"seen": 20, "left": 0, "not_connected": 2}
    assert rows["connections opened"] == rows["connections closed"] == 20
    assert (rows["messages"], rows["bytes to the server"], rows["bytes from the server"]) == (27, 100, 100 + 20 * 64)


def test_clients_that_stay_are_noticed(held: list[int]) -> None:
    held += [100, 120]
    figures, _ = _injected()
    (left,) = [one for one in SlowWriters().expects(stage()[0], BEFORE) if one.figure == "own.left"]
    assert figures["left"] == 20
    assert not left.met(figures["left"])


def test_clients_leave_if_the_run_ends(held: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    held += [100, 120]
    made: list[Clients] = []
    monkeypatch.setattr(badly_behaved, "ExtraClients", lambda *_: made.append(Clients()) or made[0])
    with pytest.raises(Ended), SlowWriters().injected(stage()[0]):
        raise Ended
    assert made[0].ended


def test_server_that_is_not_ours_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(badly_behaved, "ExtraClients", Clients)
    monkeypatch.setattr(message, "of", lambda _: b"x")
    with SlowWriters().injected(stage(TARGET="tcp://a:1")[0]):
        pass


def test_what_the_server_holds_is_read_from_its_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    found, lab = stage()
    monkeypatch.setattr(
        lab, "server_metrics", lambda: "holdfast_server_connections_x 1\nholdfast_server_connections 5.0\n"
    )
    assert badly_behaved.held(found) == 5
