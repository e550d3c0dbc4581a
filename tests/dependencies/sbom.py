"""`make sbom`: writes build/sbom.json, the packages of the images and of the lab as CycloneDX 1.5.

It is made of the pinned requirements alone, so the same commit gives the same file, byte for byte. What the base image
brings with it (Debian, Python) is not in it: scan the image for that.
"""

import json
import tomllib
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.dependencies.pinned import GROUPS, ROOT, Package, packages

NAMESPACE = uuid.UUID("6f2a3f0e-6a55-4b8e-9a43-0d4f2b7f4c51")


def document(found: Iterable[Package], version: str) -> dict[str, Any]:
    """Return the document; every hash is that of one file of the package that may be installed."""
    components = [_component(one) for one in found]
    whole = json.dumps(components, sort_keys=True)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, whole)}",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": "holdfast", "name": "holdfast", "version": version}
        },
        "components": components,
        "dependencies": [{"ref": "holdfast", "dependsOn": [one["bom-ref"] for one in components]}],
    }


def _component(one: Package) -> dict[str, Any]:
    purl = f"pkg:pypi/{one.name.replace('_', '-').replace('.', '-')}@{one.version}"
    properties = [{"name": "holdfast:needed-by", "value": GROUPS[group]} for group in one.groups]
    if one.marker:
        properties.append({"name": "holdfast:only-where", "value": one.marker})
    return {
        "type": "library",
        "bom-ref": purl,
        "name": one.name,
        "version": one.version,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": sha256} for sha256 in one.sha256],
        "properties": properties,
    }


def main(root: Path = ROOT) -> int:
    """Write the file, and say where it is."""
    found = packages(root)
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    file = root / "build" / "sbom.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(document(found, project["version"]), indent=1) + "\n", encoding="utf-8")
    print(f"{file.relative_to(root)}: {len(found)} packages of {', '.join(GROUPS.values())} (CycloneDX 1.5)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
