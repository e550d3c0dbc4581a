"""The settings page has every variable and flag, with the default and the meaning that the code gives it."""

import ast
import re
from collections.abc import Iterator

import pytest

from bench import settings as bench
from lab import settings
from rawsocket.settings import table as load
from rawsocket.settings.options import OPTIONS
from rawsocket.settings.row import Setting
from server import settings as server
from tests.meta.conftest import sources, text
from tests.support.pages import rows

PAGE = "docs/settings.md"
BENCHMARKS = [*bench.LOAD, *bench.SERVER]


@pytest.mark.parametrize("setting", settings.SETTINGS, ids=lambda setting: setting.variable)
def test_each_setting_of_the_lab_with_its_default_and_values(setting: Setting) -> None:
    found = [row[2] for row in rows(PAGE) if row[:2] == [setting.variable, setting.default or "unset"]]
    # Scenarios and models have pages of their own, and who adds one need not write it down here as well.
    if setting.variable in ("SCENARIO", "MODEL"):
        assert any(said.startswith(setting.help) for said in found)
    else:
        assert setting.meaning in found


@pytest.mark.parametrize("setting", BENCHMARKS, ids=lambda setting: setting.variable)
def test_each_setting_of_the_benchmarks_with_its_default(setting: Setting) -> None:
    assert [setting.variable, setting.default or "unset"] in [row[:2] for row in rows(PAGE)]


@pytest.mark.parametrize("row", server.TABLE, ids=lambda row: row.name)
def test_each_setting_of_the_server_with_its_default(row: server.Setting) -> None:
    assert [row.flag, row.variable, row.shown_default] in [cells[:3] for cells in rows(PAGE)]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_each_option_of_a_run_with_its_flag(option: Setting) -> None:
    assert f"`{option.variable}`" in text(PAGE)
    assert f"`{option.flag}`" in text(PAGE)


@pytest.mark.parametrize("row", load.PROCESS, ids=lambda row: row.variable)
def test_each_variable_of_a_process_with_its_default(row: Setting) -> None:
    assert [row.variable, row.default or "unset"] in [cells[:2] for cells in rows(PAGE)]


# Where the environment is read, by any of the names that it has there.
_ENVIRONMENT = re.compile(r"\b_?(?:os\.)?(?:environ|given|from_environment)$")
_NAME = re.compile(r"[A-Z][A-Z0-9_]{3,}")
_OF_A_REQUEST = re.compile(r"HTTP_.*|REQUEST_METHOD")  # WSGI calls a request's headers an environment, too
_OURS = re.compile(r"(?:HOLDFAST|SERVER|BENCH)_[A-Z0-9_]+")
PROGRAMS = sources("server", "rawsocket", "locustfiles", "lab", "bench")


def _read(path: str) -> Iterator[str]:
    """Variables that a Python file reads, and all of the lab's own that it names."""
    for node in ast.walk(ast.parse(text(path))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _OURS.fullmatch(node.value):
            yield node.value
        elif isinstance(node, ast.Subscript) and _ENVIRONMENT.search(ast.unparse(node.value)):
            yield from _names(node.slice)
        elif isinstance(node, ast.Call):
            parts = [node.func.value if isinstance(node.func, ast.Attribute) else node.func, *node.args]
            if any(_ENVIRONMENT.search(ast.unparse(part)) for part in parts):
                yield from (name for argument in node.args for name in _names(argument))


def _names(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _NAME.fullmatch(node.value):
        yield from () if _OF_A_REQUEST.fullmatch(node.value) else (node.value,)


def _read_by_all() -> set[str]:
    found = {name for path in (*PROGRAMS, "tests/conftest.py") for name in _read(path)}
    shell = "".join(map(text, ("compose.yaml", ".ci/run", "Dockerfile")))
    return found | set(re.findall(r"\$\{([A-Z][A-Z0-9_]+):-", shell))


READ = _read_by_all()


def test_the_variables_are_found_where_they_are_read() -> None:
    assert {"HEADLESS", "SOURCES", "TARGET", "DOCKER_HOST", "GITHUB_STEP_SUMMARY", "BUILD_IMAGE"} <= READ
    assert {"HOLDFAST_MIN_LIFE_S", "HOLDFAST_TARGET", "HOLDFAST_REQUIRE", "SERVER_BLOCK_MS", "BENCH_EVERY"} <= READ


@pytest.mark.parametrize("name", sorted(READ | {"PYTHON"}))
def test_each_variable_that_the_code_reads(name: str) -> None:
    assert f"`{name}`" in text(PAGE)


def test_the_page_names_no_variable_that_nothing_reads() -> None:
    tables = {row.variable for row in (*settings.SETTINGS, *BENCHMARKS, *server.TABLE, *load.TABLE)}
    named = {cell for row in rows(PAGE) for cell in row[:2] if _NAME.fullmatch(cell) and "_" in cell}
    assert named <= READ | tables
