"""The files of the run that has ended, as the page offers them: each of them, and all as one zip."""

import io
import zipfile
from pathlib import Path

from rawsocket.master.page.state import files

#: Types by the ends of names. A browser shows what it knows and keeps the rest.
TYPES = {
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/plain",
    ".csv": "text/plain",
    ".xml": "text/xml",
    ".hlog": "text/plain",
}


def find(folder: str, name: str) -> Path | None:
    """Return the file of this name in a run's folder, None if there is none."""
    found = [path for path in files(Path(folder)) if path.name == name] if folder else []
    return found[0] if found else None


def zipped(folder: str, name: str) -> bytes:
    """Return a zip of all files of a run's folder, which is named `name` in it."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files(Path(folder))):
            archive.write(path, f"{name}/{path.name}")
    return whole.getvalue()


def type_of(path: Path) -> str:
    """Return the media type of a file."""
    return TYPES.get(path.suffix, "application/octet-stream")
