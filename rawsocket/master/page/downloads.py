"""The files of the run that has ended, as the page offers them: each of them, and all as one zip."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

#: Types by the ends of names. A browser shows what it knows and keeps the rest.
TYPES = {
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/plain",
    ".csv": "text/plain",
    ".xml": "text/xml",
    ".hlog": "text/plain",
}


def find(files: Iterable[Path], name: str) -> Path | None:
    """Return the file of this name, None if there is none."""
    return next((path for path in files if path.name == name), None)


def zipped(files: Iterable[Path], folder: str) -> bytes:
    """Return a zip of the files, which are in `folder` in it."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, f"{folder}/{path.name}")
    return whole.getvalue()


def type_of(path: Path) -> str:
    """Return the media type of a file."""
    return TYPES.get(path.suffix, "application/octet-stream")
