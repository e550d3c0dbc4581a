"""Makes the user class of a file in conversations/, and its session in Python. Imports Locust."""

import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, cast

from lab.conversation.compile import compiled
from lab.eject.module import module
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


def session_of(name: str, folder: Path, **changes: Any) -> type[SessionUser]:
    """Return the user class that `lab eject` writes; its files go into `folder`."""
    plan = plan_of(name, **changes)
    (folder / "session.py").write_text(module(plan, {}, name, "rows.csv"))
    if plan.data is not None:
        rows = (plan.data.columns, *plan.data.rows)
        (folder / "rows.csv").write_text("".join(",".join(row) + "\n" for row in rows))
    spec = spec_from_file_location(f"session_{name}", folder / "session.py")
    assert spec
    assert spec.loader
    made = module_from_spec(spec)
    sys.modules[made.__name__] = made  # the class finds its rows beside its file
    spec.loader.exec_module(made)
    (found,) = [one for one in vars(made).values() if isinstance(one, type) and one.__module__ == made.__name__]
    return cast(type[SessionUser], found)
