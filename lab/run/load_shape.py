"""The load shape of a run, read before anything starts: its highest level decides on what the run needs.

A scenario in Python is read, not imported; its shape is known if its arguments are literals. The plan of a conversation
has its shape.
"""

import ast
import json
import math
from pathlib import Path

from lab import folders
from lab.errors import UsageError
from lab.settings import CONVERSATION, Settings
from rawsocket.settings.table import STEADY_AFTER_S
from rawsocket.shapes.document import from_document
from rawsocket.shapes.scenario import of_source
from rawsocket.shapes.shape import Shape


def of(settings: Settings) -> Shape | None:
    """Return the shape of a run, None without one, or if only the master can tell."""
    if plan := settings.values.get(CONVERSATION):
        document = json.loads(Path(plan).read_text(encoding="utf-8")).get("shape")
        return from_document(document) if document else None
    file = folders.find(f"locustfiles/{settings['SCENARIO']}.py")
    if not file.is_file():
        return None
    try:
        return of_source(ast.parse(file.read_text(encoding="utf-8")))
    except SyntaxError:
        return None  # whoever needs the file says what is wrong with it


def users(settings: Settings) -> int:
    """Return the most users that a run has at a time."""
    shape = of(settings)
    return shape.most_users if shape else int(settings["USERS"])


def named(settings: Settings) -> str:
    """Return what says how many users these are: USERS=800, or the load shape."""
    shape = of(settings)
    return f"the load shape ({shape.text})" if shape else f"USERS={settings['USERS']}"


def check_window(settings: Settings) -> None:
    """Refuse a run that can't have a steady window because its last users start too late; a shape has its own times.

    Locust starts the users of a second at its beginning, or one user for several seconds: the ramp is shorter by that.
    """
    if of(settings):
        return
    started, rate, time = int(settings["USERS"]), float(settings["RATE"]), settings.run_seconds
    ramp = settings.ramp_seconds
    if time > max(0.0, ramp - max(1.0, 1 / rate)) + STEADY_AFTER_S:
        return
    remedy = f"give TIME above {math.ceil(ramp + STEADY_AFTER_S)}s"
    if time > STEADY_AFTER_S:
        remedy += f", or RATE above {math.ceil(started / (time - STEADY_AFTER_S))}"
    raise UsageError(
        f"USERS={started} at RATE={settings['RATE']}: a ramp of {ramp:.3g} s leaves no steady window in "
        f"TIME={settings['TIME']}: {remedy}"
    )
