"""The command `holdfast` as pip installs it: a wheel, built from a copy of the clone, in a virtual environment."""

import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.meta.conftest import tracked
from tests.support.lab import ROOT, environment

BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
# What no build needs; a build leaves files behind, so it works on a copy.
LEFT_OUT = ("tests/", "docs/", "bench/")


def wheel(folder: Path) -> Path:
    """Build the wheel below `folder`, which is empty, and return its path."""
    clone = folder / "clone"
    for path in tracked():
        if not path.startswith(LEFT_OUT):
            (clone / path).parent.mkdir(parents=True, exist_ok=True)
            (clone / path).write_bytes((ROOT / path).read_bytes())
    subprocess.run([sys.executable, "-c", BUILD, str(folder)], cwd=clone, check=True, capture_output=True)
    (built,) = folder.glob("holdfast-*.whl")
    return built


def install(built: Path, venv: Path) -> Path:
    """Install a wheel into a new environment and return its command; it also sees the packages of this environment."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = str(venv / "bin/python")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, str(built)], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return venv / "bin/holdfast"


def run(holdfast: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, to its end; nothing of the clone is on its path."""
    environ = {name: value for name, value in environment().items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(holdfast), *arguments], cwd=folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=400, check=False,
    )  # fmt: skip
