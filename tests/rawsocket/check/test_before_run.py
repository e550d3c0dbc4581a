"""The check before a run: when it is played, and what follows from it."""

from types import SimpleNamespace
from typing import Any

import pytest
from locust import User

from rawsocket import Connect, Line, Request, SessionUser
from rawsocket.check import before_run
from rawsocket.check.before_run import BUILT_IN, wanted
from rawsocket.settings.plan import Plan
from tests.support.checks import answering, environment, serving


class InPython(SessionUser):
    framing = Line()

    def session(self) -> Any:
        yield Connect()
        yield Request(b"PING", expect=b"+PONG")


class Described(InPython):
    plan = None


Described.plan = SimpleNamespace(heartbeat=None, connect=(), steps=(), goodbye=(), file="a.yaml")  # type: ignore[assignment]


class WithTasks(User):
    pass


ALL = [InPython, Described, WithTasks]


@pytest.mark.parametrize(
    ("check", "foreign", "scenario", "found"),
    [
        ("auto", True, "mine", [Described]),
        ("auto", False, "mine", [Described]),
        ("yes", True, "mine", [InPython, Described]),
        ("no", True, "mine", []),
        ("yes", True, "hold", [InPython, Described]),
        ("yes", False, "hold", []),
    ],
)
def test_what_is_checked(check: str, foreign: bool, scenario: str, found: list[type]) -> None:
    assert wanted(Plan(check=check, foreign=foreign, scenario=scenario), ALL) == found


def test_default_is_no_check_for_a_locust_that_the_lab_did_not_start() -> None:
    assert wanted(Plan(), ALL) == []


def test_built_in_scenarios_are_those_of_the_folder() -> None:
    from lab import folders

    names = {path.stem for path in (folders.ASSETS / "locustfiles").glob("[!_]*.py")}
    assert names == set(BUILT_IN)


def _controller(url: str, *classes: type[Any], check: str = "yes") -> Any:
    return SimpleNamespace(
        plan=Plan(check=check, foreign=True, scenario="mine", target=url),
        environment=environment(url, InPython),
        runner=SimpleNamespace(user_classes=list(classes)),
    )


def test_refusal_has_the_failed_step_in_one_line() -> None:
    with serving(answering({b"PING\n": b"+NO\n"})) as url:
        said = before_run.refusal(_controller(url, InPython, InPython))
        assert len(before_run.play(_controller(url, InPython, InPython))) == 1
    assert said is not None
    assert said.startswith("the check of mine has failed: tests/rawsocket/check/test_before_run.py:")
    assert "request `request`: wrong: b'+NO' instead of b'+PONG'" in said
    assert said.endswith("CHECK=no starts the run without this check.")
    assert "\n" not in said


def test_no_refusal_if_the_server_does_what_the_scenario_says() -> None:
    with serving(answering({b"PING\n": b"+PONG\n"})) as url:
        assert before_run.refusal(_controller(url, InPython)) is None
        assert before_run.refusal(_controller(url, InPython, check="no")) is None
