import argparse
import math
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from locust import LoadTestShape

from rawsocket.master import run_info
from rawsocket.settings.options import DEFAULTS
from rawsocket.settings.plan import Plan
from rawsocket.shapes import shape as shapes

PLAN = Plan(scenario="mine", users=10, rate=5, time_s=60, headless=True, ours=True)


class Steps(LoadTestShape):
    """Ends at once."""

    def tick(self) -> None:
        return None


def environment(*holds: bool, shape: LoadTestShape | None = None, **attributes: int) -> Any:
    classes = [SimpleNamespace(holds=one, **attributes) for one in holds]
    parsed = argparse.Namespace(**DEFAULTS)
    return SimpleNamespace(user_classes=classes, shape_class=shape, parsed_options=parsed, host="tcp://server:1")


@pytest.mark.parametrize(
    ("changed", "folder"),
    [
        ({}, r"/r/\d{8}T\d{6}Z-page"),
        ({"headless": True}, "/r"),
        ({"run_folders": False}, "/r"),
        ({"runs": ""}, ""),
    ],
)
def test_a_run_from_the_page_has_a_folder_of_its_own(changed: dict[str, Any], folder: str) -> None:
    plan = replace(PLAN, **{"headless": False, "runs": "/r", "run_folders": True, **changed})
    assert re.fullmatch(folder, run_info.folder(plan))


@pytest.mark.parametrize(
    ("made", "held"),
    [
        (environment(True), 10),
        (environment(True, connections_per_user=20), 200),
        (environment(True, False), 0),
        (environment(True, shape=Steps()), math.inf),
    ],
)
def test_min_held_expects_every_connection_of_a_scenario_that_holds(made: Any, held: float) -> None:
    assert run_info.min_held(made, PLAN) == held


@pytest.mark.parametrize(
    ("made", "most"),
    [
        (environment(True), 10),
        (environment(True, connections_per_user=20), 200),
        (environment(False), 10),
        (environment(True, shape=Steps()), math.inf),
    ],
)
def test_min_held_above_what_the_users_can_hold_is_refused(made: Any, most: float) -> None:
    for min_held in (None, 0, 10, 11, 200, 201, 10_000):
        reason = run_info.too_much_to_hold(made, replace(PLAN, min_held=min_held))
        assert bool(reason) == (min_held is not None and min_held > most), (min_held, reason)
        assert "\n" not in reason


def test_refusal_of_min_held_says_what_a_user_holds() -> None:
    reason = run_info.too_much_to_hold(environment(True, connections_per_user=20), replace(PLAN, min_held=201))
    assert reason == (
        "MIN_HELD=201 is above what USERS=10 can hold: one user holds 20 connections; lower MIN_HELD or raise USERS"
    )


def test_run_under_a_load_shape_has_its_name_and_neither_users_nor_time() -> None:
    found = run_info.describe(environment(True, shape=Steps()), PLAN)
    assert (found.shape, found.users, found.rate, found.time_s) == ("Steps", 0, 0.0, None)
    plain = run_info.describe(environment(True), PLAN)
    assert (plain.shape, plain.users, plain.rate, plain.time_s) == ("", 10, 5.0, 60)


CLIMB = shapes.Steps(5, 20, by=5, hold=10)


def test_shape_of_ours_decides_on_the_users() -> None:
    own = environment(True)
    own.user_classes[0] = type("Climb", (), {"holds": True, "shape": CLIMB})
    assert run_info.own_shape(own) == CLIMB
    assert run_info.own_shape(environment(True)) is None
    own.parsed_options.headless = True  # Locust's own
    assert run_info.own_shape(own) is None
    own.parsed_options.headless = False
    info = run_info.describe(own, PLAN)
    assert (info.shape, info.users, info.time_s) == ("Steps", 0, None)
    assert run_info.min_held(own, PLAN) == math.inf
    assert run_info.min_held(own, replace(PLAN, headless=False)) == math.inf  # on the page as well
    own.parsed_options.min_held = 4
    assert run_info.min_held(own, replace(PLAN, headless=False)) is None
    assert run_info.too_much_to_hold(own, replace(PLAN, min_held=20)) == ""
    assert run_info.too_much_to_hold(own, replace(PLAN, min_held=21)) == (
        "MIN_HELD=21 is above what the load shape's 20 users can hold: one user holds one connection; "
        "lower it or raise the shape"
    )
