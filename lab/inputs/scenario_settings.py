"""The settings that a scenario declares for itself, read from its source: to import it would import Locust."""

import os
from collections.abc import Mapping, Sequence
from itertools import pairwise

from lab import folders, settings
from lab.errors import UsageError
from lab.inputs import conversation
from lab.settings import Settings
from rawsocket.settings.declared import PASSED_ON, DeclaredSetting, as_one, checked, read

VERBS = ("up", "load", "ci", "check", "drill")  # what runs a scenario


def flags(argv: Sequence[str], environ: Mapping[str, str] | None = None) -> list[DeclaredSetting]:
    """Return the settings of the scenario that a command line (or SCENARIO) names; none for an unknown scenario."""
    scenario = _named(argv) or (os.environ if environ is None else environ).get("SCENARIO", "").strip() or "hold"
    return rows(scenario) if argv[:1] and argv[0] in VERBS else []


def rows(scenario: str) -> list[DeclaredSetting]:
    """Return the settings that a scenario declares, none for an unknown one. UsageError if one can't be used."""
    if scenario not in settings.scenarios() or conversation.file(scenario):
        return []
    file = folders.find(f"locustfiles/{scenario}.py")
    try:
        found = read(file)
    except ValueError as error:
        raise UsageError(str(error)) from None
    taken = {row.variable for row in (*settings.SETTINGS, *settings.ENVIRONMENT)}
    for row in found:
        if row.variable in taken:
            raise UsageError(f"locustfiles/{scenario}.py: {row.variable} is a setting of the lab; choose another name")
    return found


def added(chosen: Settings, flags: Mapping[str, str | None], environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings with the variables that the scenario declares: those given, and the one that has them all."""
    environ, scenario = os.environ if environ is None else environ, chosen["SCENARIO"]
    found = rows(scenario)
    given = {row.variable: text for row in found if (text := settings.given(row, flags, environ))}
    try:
        values = checked(found, {**environ, **given}, scenario)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return Settings({**chosen.values, **values, PASSED_ON: as_one(values)}, chosen.given)


def _named(argv: Sequence[str]) -> str:
    """Return what --scenario says, "" if it isn't there."""
    found = ""
    for word, after in pairwise([*argv, ""]):
        if word == "--scenario":
            found = after
        elif word.startswith("--scenario="):
            found = word.partition("=")[2]
    return found
