"""`make audit`: asks pip-audit whether a pinned package has a known hole.

Exit code 0: none has; 1: one has, or the database could not be asked, or pip-audit is not there, which the last line
says. The Makefile installs pip-audit, in an environment of its own: what it needs must not change what is pinned.
"""

import subprocess
import sys
from collections.abc import Callable, Sequence

from tests.dependencies.pinned import GROUPS, ROOT

TOOL = ".venv/audit/bin/pip-audit"
#: pip-audit ends with 1 for holes that it has found, and for a database that does not answer.
FOUND = "known vulnerabilit"
Done = subprocess.CompletedProcess[str]


def _run(command: Sequence[str]) -> Done:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def main(run: Callable[[Sequence[str]], Done] = _run) -> int:
    """Audit the requirements of each group."""
    worst = 0
    for group in (*GROUPS, "bench", "dev"):
        file = f"requirements-{group}.txt"
        tool = [TOOL, "--requirement", file, "--require-hashes", "--disable-pip"]
        try:
            done = run([*tool, "--progress-spinner", "off", "--timeout", "10"])
        except FileNotFoundError:
            print(f"{TOOL} is not installed: `make audit` installs it and asks it")
            return 1
        said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["it said nothing"]
        if done.returncode and FOUND not in done.stderr:
            print(f"{file}: not audited, pip-audit could not ask its database: {said[-1][:200]}")
            return 1
        print(f"{file}: {said[-1]}" + (f"\n{done.stdout.rstrip()}" if done.returncode else ""), flush=True)
        worst = max(worst, done.returncode and 1)
    return worst


if __name__ == "__main__":
    sys.exit(main())
