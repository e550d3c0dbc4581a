"""The pinned packages in requirements-*.txt, and the groups that need them."""

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: What each group is for; `dev` and `bench` are of this checkout only.
GROUPS = {"server": "image of the server", "load": "image of master and workers", "lab": "command of the lab"}
_LINE = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)\s*(?:;\s*(.*?))?\s*$")


@dataclass
class Package:
    """One pinned package; `marker` says where it is needed, "" for everywhere."""

    name: str
    version: str
    marker: str = ""
    sha256: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)


def packages(root: Path = ROOT) -> list[Package]:
    """Return the packages of the groups, by name and version."""
    found: dict[tuple[str, str], Package] = {}
    for group in GROUPS:
        content = (root / f"requirements-{group}.txt").read_text(encoding="utf-8")
        text = re.sub(r"^\s*#.*\n", "", content, flags=re.M).replace("\\\n", " ")
        for line in filter(str.strip, text.splitlines()):
            begin, *hashes = line.split("--hash=sha256:")
            match = _LINE.match(begin.strip())
            if not match:
                raise ValueError(f"requirements-{group}.txt: {line!r} is no pinned package")
            name, version, marker = match[1].lower(), match[2], match[3] or ""
            one = found.setdefault((name, version), Package(name, version, marker, [part.strip() for part in hashes]))
            one.groups.append(group)
    return [found[key] for key in sorted(found)]
