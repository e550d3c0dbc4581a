"""The drill that a run has as well: DRILL, AT and FOR, which a conversation or a scenario may imply."""

import os

from lab.drills.drill import Drill
from lab.drills.runner import DrillRunner, least_time_s
from lab.drills.table import by_name
from lab.errors import UsageError
from lab.run import load_shape
from lab.settings import Settings
from rawsocket.settings.row import seconds
from rawsocket.settings.suggestion import listed, suggestion

NONE = "none"


def named(settings: Settings) -> Drill | None:
    """Return the drill that DRILL names, None for none. Raises UsageError for a name that is none."""
    name, known = settings["DRILL"], by_name()
    if name in ("", NONE):
        return None
    if name not in known:
        raise UsageError(
            f"DRILL={name}: there is no such drill{suggestion(name, known)}: expected {NONE} or one of "
            f"{listed(list(known))}"
        )
    return known[name]


def drill_runner(engine: str, settings: Settings) -> DrillRunner | None:
    """Return the drill of a run, None without one. Raises UsageError, one line, if the run has no place for it."""
    if (drill := named(settings)) is None:
        return None
    if shape := load_shape.of(settings):
        raise UsageError(f"DRILL={drill.name} needs a steady load, and this scenario has a load shape ({shape.text})")
    _check(drill, drill.refusal(engine, settings))
    if drill.ends_run:
        raise UsageError(f"DRILL={drill.name} ends its run, so it has one of its own: `drill {drill.name}`")
    unset = [f"{name}={text}" for name, text in drill.environ.items() if not os.environ.get(name)]
    if unset := unset + [f"{name}={text}" for name, text in drill.changes.items() if settings[name] != text]:
        raise UsageError(f"DRILL={drill.name} needs other settings than the usual ones: set {' '.join(unset)}")
    after_s = seconds(settings["AT"])
    if settings.run_seconds < (least := least_time_s(drill, settings, after_s)):
        raise UsageError(
            f"TIME={settings['TIME']} is too short for DRILL={drill.name}: the ramp, AT={settings['AT']}, the fault "
            f"and its recovery take {least:.0f} s: give TIME={least:.0f}s or more"
        )
    _check(drill, drill.prepare(settings))
    return DrillRunner(drill, engine, settings, after_s)


def _check(drill: Drill, why: str) -> None:
    """Raise UsageError if there is a reason why a drill can't run."""
    if why:
        raise UsageError(f"DRILL={drill.name} can't run here: {why}; DRILL={NONE} runs without it")
