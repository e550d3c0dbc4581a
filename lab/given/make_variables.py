"""The variables of make's command line: an unused variable is an error, which names the variable probably meant.

The Makefile passes them on in HOLDFAST_MAKE. Variables of the environment are not checked: most of them are not for the
lab.
"""

import re
from collections.abc import Collection

from lab.errors import UsageError
from rawsocket.settings.declared import suggestion

# Read by the Makefile itself.
_OF_MAKE = {"PYTHON", "ONLY", "COVERAGE", "LAB", "SHELL"}
# For other programs that the lab starts.
_OF_OTHERS = re.compile(
    r"(DOCKER|COMPOSE|BUILDKIT|PIP|OTEL|PYTHON)\w+|(?i:(https?|all|no)_proxy)|NO_COLOR|TERM|TMPDIR|PATH|HOME"
)
# A name at the beginning of a word. make puts a backslash before a space within a value.
_NAME = re.compile(r"(?<!\S)(?<!\\\s)([A-Za-z_]\w*)[:+?!]{0,3}=")


def names(overrides: str) -> list[str]:
    """Return the names of the variables in make's MAKEOVERRIDES."""
    return _NAME.findall(overrides)


def check(overrides: str, known: Collection[str]) -> None:
    """Raise UsageError for the first variable that is none of `known`."""
    for name in names(overrides):
        if name not in known and name not in _OF_MAKE and not _OF_OTHERS.fullmatch(name):
            raise UsageError(
                f"{name} is no setting{suggestion(name, known)} (docs/settings.md has all of them; "
                "a scenario declares its own with ScenarioSetting)"
            )
