"""What `up` has started, written down below .lab/up/: `status` shows the page's address, `up` asks it for a run.

It also has the names of the runs from the page whose files are home. One that was removed there (KEEP) is not brought
again.
"""

import contextlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lab.settings import Settings

KEPT = ("PAGE_HOST", "PAGE_PORT", "TARGET", "MODEL", "SCENARIO")
BROUGHT, GIVEN = "brought", "given"


class UpRecord:
    """The settings of the lab that is up, in one file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, settings: Settings, given: Mapping[str, str] | None = None) -> None:
        """Write down the settings of a lab that is about to start, and which of all its settings were given."""
        self._write({**self._all(), **{name: settings[name] for name in KEPT}, GIVEN: dict(given or {})})

    def read(self) -> dict[str, str]:
        """Return those settings, {} if there are none."""
        found = self._all()
        return {name: found[name] for name in KEPT if name in found}

    def given(self) -> dict[str, str]:
        """Return the settings that were given to the lab."""
        return dict(self._all().get(GIVEN, {}))

    def brought(self) -> list[str]:
        """Return the names of the runs whose files are home."""
        return list(self._all().get(BROUGHT, []))

    def note_brought(self, names: Iterable[str]) -> None:
        """Add names of such runs."""
        self._write({**self._all(), BROUGHT: [*self.brought(), *names]})

    def forget(self) -> None:
        """Remove the file."""
        self._file.unlink(missing_ok=True)

    def _all(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._file.read_text())
            return found if isinstance(found, dict) else {}
        return {}

    def _write(self, record: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # on a full disk the lab goes on without
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps(record))
