"""No module imports itself by way of others, no package is too large, and no file is too long."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import Counter
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.util import find_spec
from pathlib import PurePosixPath

import pytest

from lab.drills.table import DRILLS
from tests.meta.conftest import nodes, nodes_of, sources, text

#: The packages that are held to these rules.
PACKAGES = ("server", "rawsocket", "lab", "bench", "locustfiles", "holdfast")

MAX_FILES_PER_PACKAGE = 12
#: A collection of scenarios: no scenario of it knows another. `_*.py` is what a scenario needs of its protocol.
COLLECTION = "locustfiles/protocols"
MAX_LINES_PER_SCENARIO = 40
MAX_LINES_PER_DRILL = 60
MAX_LINES_PER_FILE = 350


@cache
def _modules(package: str) -> dict[str, str]:
    """The package's modules by their dotted name, and their paths."""
    paths = {path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in sources(package)}
    assert paths
    return paths


def _imports(module: str, modules: dict[str, str]) -> set[str]:
    """The modules of the same package that a module imports anywhere: in functions, and for typing, as well."""
    found: set[str] = set()
    for node in nodes(modules[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            # `from package import name`: a module of that name, or else a name in the package's own file.
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in modules else node.module for name in names}
    return {name for name in found if name in modules and name != module}


def _demand_no_cycle(imports: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("package", PACKAGES)
def test_no_import_cycle(package: str) -> None:
    modules = _modules(package)
    _demand_no_cycle({module: _imports(module, modules) for module in modules})


@pytest.mark.parametrize("package", PACKAGES)
def test_no_import_cycle_between_subpackages(package: str) -> None:
    """All files of a subpackage count as one, except its `__init__.py`, which may be a table that others read."""
    modules = _modules(package)
    imports: dict[str, set[str]] = {}
    for module in modules:
        unit = _unit(module)
        imports.setdefault(unit, set()).update(_unit(name) for name in _imports(module, modules))
        imports[unit].discard(unit)
    _demand_no_cycle(imports)


def _unit(module: str) -> str:
    """`server.models.base` -> `server.models.*`; what is not in a subpackage is its own unit."""
    parts = module.split(".")
    return module if len(parts) == 2 else ".".join([*parts[:2], "*"])


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_has_more_than_a_dozen_files(package: str) -> None:
    sizes = Counter(str(PurePosixPath(path).parent) for path in _modules(package).values())
    sizes.pop(COLLECTION, None)
    assert {folder: size for folder, size in sizes.items() if size > MAX_FILES_PER_PACKAGE} == {}


def _collection() -> dict[str, str]:
    """The scenarios of the collection by their dotted name, and their paths."""
    modules = _modules("locustfiles").items()
    return {module: path for module, path in modules if PurePosixPath(path).match(f"{COLLECTION}/[!_]*.py")}


def test_no_scenario_of_the_collection_imports_another() -> None:
    modules = _collection()
    assert len(modules) > 20
    assert {module: found for module in modules if (found := _imports(module, modules))} == {}


def test_each_scenario_of_the_collection_is_short() -> None:
    """A page of code, with its description and its imports."""
    lengths = {path: len(text(path).splitlines()) for path in _collection().values()}
    assert {path: length for path, length in lengths.items() if not 10 <= length <= MAX_LINES_PER_SCENARIO} == {}


def test_each_drill_is_short() -> None:
    """A page of code: what drills share stands beside them."""
    files = {f"{type(drill).__module__.replace('.', '/')}.py" for drill in DRILLS}
    assert len(files) > 20
    lengths = {path: text(path).count("\n") for path in files}
    assert {path: length for path, length in lengths.items() if length > MAX_LINES_PER_DRILL} == {}


def test_no_scenario_has_the_name_of_another_module() -> None:
    """`locust -f FOLDER` imports each file below the folder by its bare name, with its folder first on the path."""
    names = [PurePosixPath(path).stem for path in _modules("locustfiles").values()]
    assert len(set(names)) == len(names)
    assert [name for name in names if name in sys.stdlib_module_names or find_spec(name)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_file_has_more_than_350_lines(package: str) -> None:
    lengths = {path: text(path).count("\n") for path in _modules(package).values()}
    assert {path: length for path, length in lengths.items() if length > MAX_LINES_PER_FILE} == {}


def test_installation_has_the_command_and_every_package_of_the_load_library() -> None:
    """setup.py adds what the command needs."""
    folders = {str(PurePosixPath(path).parent) for path in sources("rawsocket", "holdfast")}
    listed = tomllib.loads(text("pyproject.toml"))["tool"]["setuptools"]["packages"]
    assert sorted(listed) == sorted(folder.replace("/", ".") for folder in folders)


def test_import_cycle_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"a.py": "def f():\n    from p import b\n", "b.py": "if TYPE_CHECKING:\n    from p.a import A\n"}
    monkeypatch.setitem(globals(), "nodes", lambda path: nodes_of(files[path]))
    modules = {"p.a": "a.py", "p.b": "b.py"}
    assert {module: _imports(module, modules) for module in modules} == {"p.a": {"p.b"}, "p.b": {"p.a"}}


def test_tables_shared_between_packages_import_no_code() -> None:
    """The lab takes the models' names from this table, so it must not load the models."""
    assert _imports("server.models", _modules("server")) == set()
    assert not any(isinstance(node, ast.Import | ast.ImportFrom) for node in nodes("server/models/__init__.py"))
