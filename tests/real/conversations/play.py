"""Makes the user class of a file in conversations/, and its session in Python. Imports Locust."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.conversation.compile import compiled
from lab.eject.module import class_name, module
from lab.settings import ROOT
from rawsocket import Due, SessionUser
from rawsocket.conversation.plan import Plan
from rawsocket.conversation.user import user_class
from tests.support.ejected import imported


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


def session_of(name: str, folder: Path, **changes: Any) -> type[SessionUser]:
    """Return the user class that `lab eject` writes; its files go into `folder`."""
    plan = plan_of(name, **changes)
    path = folder / f"ejected_{name}.py"
    path.write_text(module(plan, {}, name, f"{name}.csv"))
    if plan.data is not None:
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([plan.data.columns, *plan.data.rows])
    return imported(path, class_name(name))
