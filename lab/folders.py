"""The two folders of a lab: Holdfast's own files, and where the user works. In a clone both are the clone.

- `ASSETS`: what Holdfast consists of: compose.yaml, the Dockerfile, server/, the built-in scenarios. It is never
  written to: the clone, or the folder `holdfast` of the installed package.
- `work()`: runs/, .lab/, .env, and the user's own locustfiles/ and conversations/. It is the current folder; anywhere
  within a clone it is the clone.

What may be in both is looked for in the user's folder first.
"""

import os
from importlib.util import find_spec
from pathlib import Path

ASSETS = Path(__file__).resolve().parent.parent


def work() -> Path:
    """Return the folder where the user works."""
    here = Path.cwd()
    return ASSETS if here.is_relative_to(ASSETS) else here


def is_clone() -> bool:
    """Whether the user works in a clone of Holdfast: it has the Makefile, and the command is `python -m lab`."""
    return work() == ASSETS


def both(name: str) -> list[Path]:
    """Return the folders of this name (`locustfiles`, `conversations`), whether they exist or not: the user's first."""
    return list(dict.fromkeys((work() / name, ASSETS / name)))


def find(path: str) -> Path:
    """Return a file such as `locustfiles/hold.py`: the user's, else the built-in one; the user's if there is none."""
    own, built_in = work() / path, ASSETS / path
    return built_in if built_in.exists() and not own.exists() else own


def library() -> Path:
    """Return the folder that `rawsocket` is imported from: the clone, or the folder of installed packages."""
    spec = find_spec("rawsocket")
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]).resolve().parent


def python_path() -> str:
    """Return the PYTHONPATH of local processes: our own packages first, so that no folder of the user replaces one."""
    folders = (ASSETS, library(), work())
    return os.pathsep.join(dict.fromkeys([*map(str, folders), *filter(None, [os.environ.get("PYTHONPATH")])]))


def program() -> str:
    """Return the command that has all verbs and flags here."""
    return "python -m lab" if is_clone() else "holdfast"


def prefix() -> str:
    """Return what begins the lines that say why a verb has failed."""
    return program().split()[-1]


def command(*words: str) -> str:
    """Return how the user calls a verb here, with variables, for messages: `make up` in a clone, else `holdfast up`."""
    return " ".join(("make" if is_clone() else "holdfast", *words))


def shown(path: Path) -> str:
    """Return a path for a message: relative to the user's folder where it is below it."""
    return str(path.relative_to(work())) if path.is_relative_to(work()) else str(path)
