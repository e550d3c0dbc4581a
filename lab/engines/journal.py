"""The runs that are under way, written down below .lab/runs/: the next call removes what a killed lab has left.

A lab that is killed (`kill -9`, out of memory) can't remove anything itself. Its processes end with it, but containers
and networks don't. A run is abandoned once the lab that wrote it down has ended.
"""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from lab import procfs


@dataclass(frozen=True)
class Entry:
    """A run: its name, the folder of its artefacts, and whether its lab has ended."""

    name: str
    artefacts: Path
    abandoned: bool = True


class Journal:
    """The runs of one engine, a file for each in `folder`."""

    def __init__(self, folder: Path, engine: str) -> None:
        self._folder = folder
        self._engine = engine

    def begin(self, name: str, artefacts: Path) -> None:
        """Write down that this process starts the run `name`. On a full disk the run goes on without."""
        entry = {"engine": self._engine, "lab": procfs.mark(), "artefacts": str(artefacts)}
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file(name).write_text(json.dumps(entry))

    def end(self, name: str) -> None:
        """Forget a run of which nothing is left."""
        self._file(name).unlink(missing_ok=True)

    def abandoned(self) -> list[Entry]:
        """Return the runs of this engine whose lab has ended, the oldest first."""
        return [entry for entry in self.entries() if entry.abandoned]

    def entries(self) -> list[Entry]:
        """Return the runs of this engine, the oldest first."""
        found = []
        for file in sorted(self._folder.glob("*.json")):
            try:
                entry = json.loads(file.read_text())
                if entry["engine"] == self._engine:
                    found.append(Entry(file.stem, Path(entry["artefacts"]), procfs.gone(entry["lab"])))
            except (OSError, ValueError, KeyError):  # another call removes it, or it was cut off by a full disk
                continue
        return found

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"
