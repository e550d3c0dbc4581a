"""The check before a run: one connection plays one round, so that 10,000 users never start what fails for one.

It is played inside the master, before the run's counts begin; its connection is none of the run's.
"""

from rawsocket.check import text, wanted
from rawsocket.check.dialogue import Dialogue
from rawsocket.check.player import check
from rawsocket.master.controller import RunController

NO_CHECK = "CHECK=no starts the run without this check."


def play(controller: RunController) -> list[Dialogue]:
    """Play what CHECK asks for, one class after the other, until one fails. Blocks the greenlet."""
    played: list[Dialogue] = []
    plan = controller.plan
    for user_class in wanted.before_run(plan, controller.runner.user_classes):
        played.append(check(user_class, controller.environment, plan.scenario))
        if played[-1].exit_code:
            break
    return played


def refusal(controller: RunController) -> str | None:
    """Return why a start at the page is refused, or None."""
    failed = [said for dialogue in play(controller) if (said := text.summary(dialogue))]
    return f"the check of {controller.plan.scenario} has failed: {failed[0]} {NO_CHECK}" if failed else None
