"""The variables of a command line: an unused variable is an error, which names the variable probably meant.

`holdfast load USERS=5` means what `make load USERS=5` does. The Makefile passes its variables on in HOLDFAST_MAKE.
Variables of the environment are not checked: most of them are not for the lab.
"""

import re
from collections.abc import Collection, Sequence
from itertools import pairwise

from lab.errors import UsageError
from rawsocket.settings.suggestion import suggestion

# Read by the Makefile itself.
_OF_MAKE = {"PYTHON", "ONLY", "COVERAGE", "LAB", "SHELL", "DIR", "CAPTURE", "NAME", "RUNS"}
# For other programs that the lab starts.
_OF_OTHERS = re.compile(
    r"(DOCKER|COMPOSE|BUILDKIT|PIP|OTEL|PYTHON)\w+|(?i:(https?|all|no)_proxy)|NO_COLOR|TERM|TMPDIR|PATH|HOME"
)
_WORD = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)", re.S)
# A name at the beginning of a word. make puts a backslash before a space within a value.
_NAME = re.compile(r"(?<!\S)(?<!\\\s)([A-Za-z_]\w*)[:+?!]{0,3}=")


def split(argv: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Split a command line into its variables, such as USERS=5, and all other words; the value of a flag is none."""
    words, found = [], {}
    for before, word in pairwise(["", *argv]):
        match = _WORD.fullmatch(word)
        if match and not (before.startswith("--") and "=" not in before):
            found[match[1]] = match[2]
        else:
            words.append(word)
    return words, found


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
