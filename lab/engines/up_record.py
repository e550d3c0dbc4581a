"""What `up` has started, written down below .lab/up/: `status` shows the page's address, `up` asks it for a run."""

import contextlib
import json
from pathlib import Path

from lab.settings import Settings

KEPT = ("PAGE_PORT", "TARGET", "MODEL", "SCENARIO")


class UpRecord:
    """The settings of the lab that is up, in one file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, settings: Settings) -> None:
        """Write down the settings of a lab that is about to start. On a full disk it starts without."""
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps({name: settings[name] for name in KEPT}))

    def read(self) -> dict[str, str]:
        """Return those settings, {} if there are none."""
        try:
            found: dict[str, str] = json.loads(self._file.read_text())
            return {name: found[name] for name in KEPT}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def forget(self) -> None:
        """Remove the file."""
        self._file.unlink(missing_ok=True)
