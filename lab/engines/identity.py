"""What tells the lab of this folder from those of other folders on the same machine: its project and its images' tag.

Both are made from the path of the folder, so two clones never take over each other's containers or images. Everything
that a lab has in Docker has the label `holdfast.folder`, the folder that it was started from.
"""

import hashlib
import re
from pathlib import Path

from lab import folders, settings

PROJECT_LABEL = "holdfast.project"
FOLDER_LABEL = "holdfast.folder"
# On the containers of a run: the process that runs it (lab/procfs.py: mark).
LAB_LABEL = "holdfast.lab"
_LONGEST = 24


def tag(root: Path | None = None) -> str:
    """Return the tag of a folder's images: the name of the folder, as far as a tag can have it, and six hex digits."""
    root = root or folders.work()
    name = re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-")[:_LONGEST].strip("-") or "lab"
    return f"{name}-{hashlib.sha256(str(root).encode()).hexdigest()[:6]}"


def project(root: Path | None = None) -> str:
    """Return the name of the compose project that `up` starts: HOLDFAST_PROJECT, else one made from the folder."""
    made = tag(root)
    prefix = "" if made.startswith("holdfast") else "holdfast-"
    return settings.from_environment("HOLDFAST_PROJECT") or f"{prefix}{made}"
