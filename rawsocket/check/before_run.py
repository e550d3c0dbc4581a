"""The check before a run: one connection plays one round, so that 10,000 users never start what fails for one.

It is played inside the master, before the run's counts begin; its connection is none of the run's.
"""

from collections.abc import Iterable
from typing import Any

from rawsocket.check import text
from rawsocket.check.dialogue import Dialogue
from rawsocket.check.player import check
from rawsocket.master.controller import RunController
from rawsocket.settings.plan import Plan
from rawsocket.users.session_user import SessionUser

NO_CHECK = "CHECK=no starts the run without this check."
#: The lab's own scenarios against the lab's own server prove nothing.
BUILT_IN = ("hold", "closed", "churn", "mixed", "storm", "tutorial")


def sessions(classes: Iterable[type[Any]]) -> list[type[Any]]:
    """Return the user classes whose users are sessions: those of a conversation and those in Python."""
    return [found for found in classes if isinstance(found, type) and issubclass(found, SessionUser)]


def wanted(plan: Plan, classes: Iterable[type[Any]]) -> list[type[Any]]:
    """Return the classes that a run checks first: with CHECK=auto those of conversations, with yes all sessions."""
    if plan.check == "no" or (not plan.foreign and plan.scenario in BUILT_IN):
        return []
    found = sessions(classes)
    return found if plan.check == "yes" else [one for one in found if getattr(one, "plan", None) is not None]


def play(controller: RunController) -> list[Dialogue]:
    """Play what CHECK asks for, one class after the other, until one fails. Blocks the greenlet."""
    played: list[Dialogue] = []
    plan = controller.plan
    for user_class in wanted(plan, controller.runner.user_classes):
        played.append(check(user_class, controller.environment, plan.scenario))
        if played[-1].exit_code:
            break
    return played


def refusal(controller: RunController) -> str | None:
    """Return why a start at the page is refused, or None."""
    failed = [said for dialogue in play(controller) if (said := text.summary(dialogue))]
    return f"the check of {controller.plan.scenario} has failed: {failed[0]} {NO_CHECK}" if failed else None
