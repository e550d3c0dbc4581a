"""Makes the user class of a file in conversations/. Imports Locust."""

from dataclasses import replace
from typing import Any

from lab.conversation.compile import compiled
from lab.settings import ROOT
from rawsocket import Due, SessionUser
from rawsocket.conversation.plan import Plan
from rawsocket.conversation.user import user_class


def plan_of(name: str, **changes: Any) -> Plan:
    """Return the plan of a conversation, with other values for some of its fields."""
    return replace(compiled(ROOT / f"conversations/{name}.yaml").plan, **changes)


def user_of(name: str, beat: float = 0, **changes: Any) -> type[SessionUser]:
    """Return its user class; `beat`: the seconds between two heartbeats. EVERY can change during a run, see load()."""
    plan = plan_of(name, **changes)
    if beat:
        assert plan.heartbeat
        plan = replace(plan, heartbeat=replace(plan.heartbeat, every=beat))
    pace = property(lambda user: Due(user.option("every")))
    return type(name, (user_class(plan),), {"__slots__": (), "abstract": False, "pace": pace})
