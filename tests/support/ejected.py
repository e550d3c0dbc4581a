"""Imports a session that `lab eject` wrote, as Locust does."""

import importlib.util
import sys
from pathlib import Path
from typing import Any


def imported(path: Path, name: str) -> type[Any]:
    """Return the class of this name in a file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # CsvRows asks for the file of a class's module
    spec.loader.exec_module(module)
    found: type[Any] = getattr(module, name)
    return found
