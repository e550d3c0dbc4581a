"""What the meta tests look at: the files of the repo, as git knows them."""

import subprocess
from functools import cache
from pathlib import Path

from lab.settings import ROOT


@cache
def tracked() -> tuple[str, ...]:
    """Paths of all files that are in the repo or would be with the next commit."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(sorted(path for path in done.stdout.splitlines() if (ROOT / path).is_file()))


def sources(*rooms: str) -> list[str]:
    """Paths of the Python files of some rooms."""
    return [path for path in tracked() if path.endswith(".py") and path.split("/")[0] in rooms]


def text(path: str | Path) -> str:
    """Content of one file of the repo."""
    return (ROOT / path).read_text(errors="replace")
