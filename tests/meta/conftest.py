"""What the meta tests look at: the files of the repo, as git knows them. Each is read and parsed once."""

import ast
import subprocess
from functools import cache
from pathlib import Path

from lab.settings import ROOT

#: The kinds of nodes that the tests look for.
KINDS = (ast.Import, ast.ImportFrom, ast.Call, ast.Subscript, ast.Constant)


@cache
def tracked() -> tuple[str, ...]:
    """Paths of all files that are in the repo or would be with the next commit."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(sorted(path for path in done.stdout.splitlines() if (ROOT / path).is_file()))


def sources(*rooms: str) -> list[str]:
    """Paths of the Python files of some rooms."""
    return [path for path in tracked() if path.endswith(".py") and path.split("/")[0] in rooms]


@cache
def text(path: str | Path) -> str:
    """Content of one file of the repo."""
    return (ROOT / path).read_text(errors="replace")


@cache
def nodes(path: str) -> tuple[ast.AST, ...]:
    """The imports, calls, subscripts and constants of a Python file, those inside functions as well."""
    return nodes_of(text(path))


def nodes_of(code: str) -> tuple[ast.AST, ...]:
    """The same for a piece of code."""
    return tuple(node for node in ast.walk(ast.parse(code)) if isinstance(node, KINDS))
