"""The packages of rawsocket/ by layers: a module may import its own package and the layers below, never one above."""

import ast

import pytest

from tests.meta.conftest import nodes, sources

# From the lowest to the highest. A name stands for the module, or for the package and what is in it; the longest wins.
LAYERS = (
    "rawsocket.errors rawsocket.target rawsocket.locust_patches rawsocket.background",
    "rawsocket.settings",
    "rawsocket.shapes",
    "rawsocket.target_check",
    "rawsocket.wire",
    "rawsocket.framing",
    "rawsocket.identity",
    "rawsocket.measurement",
    "rawsocket.verdict",
    "rawsocket.engine",
    "rawsocket.users",
    "rawsocket.conversation",
    "rawsocket.worker",
    "rawsocket.master",
    "rawsocket.master.reports",
    "rawsocket.master.page",
    "rawsocket.scenario_file",
    "rawsocket.check",
    "rawsocket.headless",
    "rawsocket.attach_master",
    "rawsocket.attach",
    "rawsocket.__main__",
)
RANKS = {name: rank for rank, names in enumerate(LAYERS) for name in names.split()}
# The public names in rawsocket/__init__.py are imported when they are asked for.
FILES = [path for path in sources("rawsocket") if path != "rawsocket/__init__.py"]
MODULES = {path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in FILES}


def _layer(module: str) -> str:
    parts = module.split(".")
    return next(name for n in range(len(parts), 0, -1) if (name := ".".join(parts[:n])) in RANKS)


def _imports(path: str) -> set[str]:
    """Modules of rawsocket that a file imports anywhere, inside functions as well."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names if names & MODULES.keys() else {node.module}
    return {module for module in found if module in MODULES}


def test_each_module_has_a_layer() -> None:
    assert {_layer(module) for module in MODULES} == set(RANKS)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_module_imports_only_its_own_package_and_layers_below(module: str) -> None:
    own = _layer(module)
    above = {
        other for other in _imports(MODULES[module]) if _layer(other) != own and RANKS[_layer(other)] >= RANKS[own]
    }
    assert above == set()
