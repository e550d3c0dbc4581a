"""Coverage of the tests' processes and of all Python processes that they start, summed per package.

Every Python process of this environment that has COVERAGE_PROCESS_START measures itself, which the `coverage` package's
own .pth file sees to. What a process had covered when it was killed is lost: the figures are a lower bound.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
#: Variables that a test must pass to a process with another environment.
VARIABLES = ("COVERAGE_PROCESS_START", "COVERAGE_FILE", "CHECKOUT")


def environment(folder: Path) -> dict[str, str]:
    """Return this process's environment, extended so that child processes write their figures to `folder`."""
    values = (ROOT / "pyproject.toml", folder / "data", ROOT)
    return {**os.environ, **dict(zip(VARIABLES, map(str, values), strict=True))}


def table(folder: Path) -> str:
    """Combine the files in `folder`; return a line for each package."""
    for arguments in (["combine", "--quiet"], ["json", "--quiet", "-o", str(folder / "all.json")]):
        command = [sys.executable, "-m", "coverage", *arguments]
        environ = {**os.environ, "COVERAGE_FILE": str(folder / "data"), "CHECKOUT": str(ROOT)}
        subprocess.run(command, cwd=ROOT, env=environ, check=True)
    return per_package(json.loads((folder / "all.json").read_text())["files"])


def per_package(files: dict[str, dict[str, dict[str, int]]]) -> str:
    """Sum the files of coverage's JSON report by their folder."""
    covered: dict[str, int] = defaultdict(int)
    lines: dict[str, int] = defaultdict(int)
    for path, file in files.items():
        for name in (str(PurePosixPath(path).parent), "all"):
            covered[name] += file["summary"]["covered_lines"]
            lines[name] += file["summary"]["num_statements"]
    width = max(map(len, lines))
    rows = [f"{name:<{width}}  {lines[name]:>6} lines  {covered[name] / lines[name]:>6.1%}" for name in _sorted(lines)]
    return "\n".join(rows)


def _sorted(lines: dict[str, int]) -> list[str]:
    return [*sorted(name for name in lines if name != "all" and lines[name]), "all"]
