"""Which user classes of a scenario can be checked, and which are checked before a run (CHECK)."""

from collections.abc import Iterable
from typing import Any

from rawsocket.settings.plan import Plan
from rawsocket.users.session_user import SessionUser

#: The lab's own scenarios against the lab's own server prove nothing.
BUILT_IN = ("hold", "closed", "churn", "mixed", "storm", "tutorial")


def sessions(classes: Iterable[type[Any]]) -> list[type[Any]]:
    """Return the user classes whose users are sessions: those of a conversation and those in Python."""
    return [found for found in classes if isinstance(found, type) and issubclass(found, SessionUser)]


def before_run(plan: Plan, classes: Iterable[type[Any]]) -> list[type[Any]]:
    """Return the classes that a run checks first: with CHECK=auto those of conversations, with yes all sessions."""
    if plan.check == "no" or (not plan.foreign and plan.scenario in BUILT_IN):
        return []
    found = sessions(classes)
    return found if plan.check == "yes" else [one for one in found if getattr(one, "plan", None) is not None]
