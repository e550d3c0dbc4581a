"""The file `.env` beside compose.yaml, read as compose reads it: settings that the environment does not have.

A flag beats the environment, which beats the file. Only names of settings are taken, as compose takes only the names
that compose.yaml uses: nothing else of the file reaches the processes of a native lab.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from lab.errors import UsageError

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)")


def read(file: Path, names: Collection[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of the file (none if it is not there) that are in `names` and not in `environ`.

    Raises UsageError for a line that is no NAME=VALUE.
    """
    if not file.is_file():
        return {}
    found = {}
    for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _LINE.fullmatch(text)
        if not match:
            raise UsageError(f"{file.name}, line {number}: expected NAME=VALUE, such as USERS=100; correct the line")
        found[match[1]] = _value(match[2])
    return {name: value for name, value in found.items() if name in names and name not in environ}


def _value(text: str) -> str:
    """Return the text without its quotes, or without the comment that follows it."""
    quoted = re.match(r"""(["'])(.*?)\1\s*(?:#.*)?$""", text)
    return quoted[2] if quoted else re.split(r"\s+#", text, maxsplit=1)[0].strip()
