"""The virtual environment of the peers that need packages which the lab does not: uvloop, gevent. In .lab/."""

import hashlib
import subprocess
import sys
from functools import cache
from pathlib import Path

from lab.progress import say, step
from lab.settings import ROOT

FOLDER = ROOT / ".lab" / "bench-venv"
REQUIREMENTS = ROOT / "requirements-bench.txt"


def python(folder: Path = FOLDER) -> str:
    """Return its interpreter."""
    return str(folder / "bin" / "python")


def made(folder: Path = FOLDER, requirements: Path = REQUIREMENTS) -> bool:
    """Whether it exists with the current requirements."""
    return _mark(folder, requirements).exists()


def _mark(folder: Path, requirements: Path) -> Path:
    return folder / f"holds-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]}"


@cache
def unavailable(folder: Path = FOLDER, requirements: Path = REQUIREMENTS) -> str:
    """Make it if necessary; return the reason why that is not possible, or ""."""
    if made(folder, requirements):
        return ""
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
    make = [sys.executable, "-m", "venv", "--clear", str(folder)]
    fill = [python(folder), *pip, "--require-hashes", "-r", str(requirements)]
    with step(f"Installing {requirements.name} (uvloop, gevent) into {folder.parent.name}/{folder.name}"):
        for command in (make, fill):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                say((done.stderr or done.stdout).strip()[-400:])
                return (
                    f"{requirements.name} could not be installed (python -m {command[2]} ended with {done.returncode})"
                )
    _mark(folder, requirements).touch()
    return ""
