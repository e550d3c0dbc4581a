"""Puts the files of a lab into the wheel, inside the package `holdfast`; all else is in pyproject.toml.

The command, the server, the built-in scenarios, compose.yaml and the Dockerfile are at the top of the clone, where they
belong. A wheel has no such place.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
FOLDERS = ("lab", "server", "locustfiles", "conversations")
FILES = ("compose.yaml", "compose.network.yaml", "compose.target.yaml", "compose.watch.yaml", "Dockerfile", "LICENSE",
         "requirements-server.txt", "requirements-load.txt")  # fmt: skip


class BuildWithAssets(build_py):
    """Builds the packages, then copies the files of a lab into `holdfast`."""

    def run(self) -> None:
        """Build; an editable installation uses the files of the clone."""
        super().run()
        if not self.editable_mode:
            self._copy(Path(self.build_lib) / "holdfast")

    def _copy(self, target: Path) -> None:
        ignored = shutil.ignore_patterns("__pycache__")
        for name in FOLDERS:
            shutil.rmtree(target / name, ignore_errors=True)  # of an earlier build
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target / name, ignore=ignored)
        for name in FILES:
            shutil.copy(ROOT / name, target)


setup(cmdclass={"build_py": BuildWithAssets})
