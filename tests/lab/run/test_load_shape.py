"""The load shape of a run, as the lab knows it before anything starts."""

import json
from pathlib import Path

import pytest

from lab import folders
from lab.errors import UsageError
from lab.run import capacity, load_shape
from lab.settings import CONVERSATION, Settings, read
from rawsocket.shapes.shape import Shape, Spike, Steps

SHAPED = """
from rawsocket import SessionUser, Steps

class Climb(SessionUser):
    shape = Steps(100, 1200, by=100, hold="30s")
"""
CLIMB = Steps(100, 1200, by=100, hold="30s")


def _chosen(folder: Path, source: str, monkeypatch: pytest.MonkeyPatch, **given: str) -> Settings:
    """Return the settings of a run whose scenario has this source."""
    chosen = read(dict(given), {})
    (folder / "locustfiles").mkdir()
    (folder / "locustfiles/hold.py").write_text(source)
    monkeypatch.setattr(folders, "work", lambda: folder)
    return chosen


@pytest.mark.parametrize(
    ("source", "shape"),
    [(SHAPED, CLIMB), ("class A:\n    every = 5\n", None), ("class A(:\n", None)],
)
def test_shape_of_a_scenario(source: str, shape: Shape | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = _chosen(tmp_path, source, monkeypatch)
    assert load_shape.of(chosen) == shape
    assert load_shape.users(chosen) == (1200 if shape else 800)
    assert load_shape.named(chosen) == (f"the load shape ({CLIMB.text})" if shape else "USERS=800")


def test_shape_of_a_conversation(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    chosen = read({}, {})
    named = Settings({**chosen.values, CONVERSATION: str(plan)}, chosen.given)
    plan.write_text(json.dumps({"shape": None}))
    assert load_shape.of(named) is None
    plan.write_text(json.dumps({"shape": {"spike": {"base": 5, "peak": 9, "after": "5s", "hold": "5s"}}}))
    assert load_shape.of(named) == Spike(5, 9, "5s", "5s")


def test_scenario_that_is_no_file_has_no_shape() -> None:
    chosen = read({}, {})
    assert load_shape.of(Settings({**chosen.values, "SCENARIO": "elsewhere"}, chosen.given)) is None


def test_limits_are_compared_with_the_highest_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = _chosen(tmp_path, SHAPED, monkeypatch, USERS="10", MIN_HELD="1300")
    assert capacity.warning(chosen).startswith(f"the load shape ({CLIMB.text}) is above the 1000 that select holds")
    assert "lower the shape, PROCESSES=auto MAX_CONNECTIONS=1200" in capacity.warning(chosen)
    with pytest.raises(UsageError, match=r"MIN_HELD=1300 is above the load shape .* Lower MIN_HELD or raise the shape"):
        capacity.check_held(chosen)


def test_run_with_a_shape_needs_no_time_for_its_ramp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_shape.check_window(_chosen(tmp_path, SHAPED, monkeypatch, USERS="4000", RATE="10", TIME="6s"))


@pytest.mark.parametrize(
    ("users", "rate", "time", "remedy"),
    [
        ("4000", "10", "6s", "a ramp of 400 s .* TIME=6s: give TIME above 402s, or RATE above 1000"),
        ("800", "200", "2s", "give TIME above 6s$"),
        ("3", "0.1", "22s", "give TIME above 32s, or RATE above 1"),
    ],
)
def test_run_without_a_steady_window_is_refused(users: str, rate: str, time: str, remedy: str) -> None:
    with pytest.raises(UsageError, match=remedy):
        load_shape.check_window(read({"USERS": users, "RATE": rate, "TIME": time}, {}))


@pytest.mark.parametrize(
    ("users", "rate", "time"),
    # The users of the ramp's last second start at its beginning, so these runs have a short window.
    [("800", "200", "6s"), ("1", "0.01", "3s"), ("20", "100", "3s")],
)
def test_run_with_a_short_steady_window_is_accepted(users: str, rate: str, time: str) -> None:
    load_shape.check_window(read({"USERS": users, "RATE": rate, "TIME": time}, {}))
