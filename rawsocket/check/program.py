"""`python -m rawsocket check`: plays one round of the scenario against its target, and prints what was said.

With HOLDFAST_PROGRESS=json each dialogue is a line of JSON, `{"check": ...}`, for the lab; else it is text.
"""

import argparse
import sys
from collections.abc import Iterable
from typing import Any

from locust.env import Environment
from locust.util.load_locustfile import load_locustfile

from rawsocket import scenario_file, target_check
from rawsocket.check import text
from rawsocket.check.before_run import sessions
from rawsocket.check.dialogue import UNREACHABLE, Dialogue, line_of
from rawsocket.check.player import check
from rawsocket.master.reports.result import text as plain
from rawsocket.settings.plan import Plan, UsageError
from rawsocket.target import parse as parse_target

JSON = "json"  # of HOLDFAST_PROGRESS


def run(plan: Plan, locustfile: str) -> int:
    """Play the scenario's user classes one after the other, until one fails; return the exit code. UsageError."""
    classes, _ = scenario_file.load(load_locustfile, locustfile)
    found = sessions(classes.values())
    if not found:
        raise UsageError(
            f"{locustfile} has no sessions: a check plays a conversation or a SessionUser, and its users have tasks"
        )
    if plan.wait_s:
        target_check.wait_for(parse_target(plan.target), plan.wait_s, _say, way_out=plan.way_out)
    environment = Environment(user_classes=found, host=plan.target)
    environment.parsed_options = argparse.Namespace(**plan.options)
    for dialogue in _played(found, environment, plan):
        if dialogue.failure is not None and dialogue.failure.why == UNREACHABLE:
            raise UsageError(unreachable(dialogue))
        _say(line_of(dialogue) if plan.progress == JSON else plain(text.lines(dialogue, everything=plan.verbose)))
        if dialogue.exit_code:
            return dialogue.exit_code
    return 0


def _played(classes: Iterable[type[Any]], environment: Environment, plan: Plan) -> Iterable[Dialogue]:
    for user_class in classes:
        yield check(user_class, environment, plan.scenario)


def unreachable(dialogue: Dialogue) -> str:
    """Return why nothing could be connected to, and what to do."""
    detail = dialogue.failure.detail if dialogue.failure else ""
    why = target_check.problem(parse_target(dialogue.target)) or detail
    return f"TARGET={dialogue.target}: {why}; check the address, or give WAIT=30s if it is still starting"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
