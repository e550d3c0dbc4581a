"""The settings page has every variable and flag, with the default and the meaning that the code gives it."""

import ast
import re
from collections.abc import Iterator

import pytest

from bench import settings as bench
from lab import settings as lab
from rawsocket.settings import table as load
from rawsocket.settings.row import Setting
from server import settings as server
from tests.meta.conftest import nodes, sources, text
from tests.support.pages import rows

PAGE = "docs/settings.md"
BENCHMARKS = [*bench.LOAD, *bench.SERVER]
OPTIONS = [*load.OPTIONS, *load.THRESHOLDS]
# What master and workers read beside the settings of a run.
PROCESS = [setting for setting in load.TABLE if setting.prefix]
TABLES = (lab.SETTINGS, lab.ENVIRONMENT, bench.LOAD, bench.SERVER, load.TABLE, server.TABLE)


@pytest.mark.parametrize("setting", lab.SETTINGS, ids=lambda setting: setting.variable)
def test_each_setting_of_the_lab_with_its_default_and_values(setting: Setting) -> None:
    found = [row[2] for row in rows(PAGE) if row[:2] == [setting.variable, setting.default or "unset"]]
    # Scenarios and models have pages of their own, and who adds one need not write it down here as well.
    if setting.variable in ("SCENARIO", "MODEL"):
        assert any(said.startswith(setting.help) for said in found)
    else:
        assert setting.meaning in found


@pytest.mark.parametrize("setting", [*BENCHMARKS, *PROCESS], ids=lambda setting: setting.variable)
def test_each_setting_of_benchmarks_master_and_workers_with_its_default(setting: Setting) -> None:
    assert [setting.variable, setting.default or "unset"] in [row[:2] for row in rows(PAGE)]


@pytest.mark.parametrize("row", server.TABLE, ids=lambda row: row.name)
def test_each_setting_of_the_server_with_its_default(row: server.Setting) -> None:
    assert [row.flag, row.variable, row.shown_default] in [cells[:3] for cells in rows(PAGE)]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_each_option_of_a_run_is_a_flag_of_locust(option: Setting) -> None:
    assert f"`{option.variable}`" in text(PAGE)
    assert f"`{option.flag}`" in text(PAGE)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_each_option_of_a_run_is_a_setting_of_the_lab_with_the_same_values_and_default(option: Setting) -> None:
    """A value that only the master refuses would end a run at its start, without the one line that says why."""
    (setting,) = [each for each in lab.SETTINGS if each.variable == option.variable]
    assert setting.kind == option.kind
    assert lab.read({}, {}, "load")[option.variable] in ("", option.default, "0")


# Where the environment is read, by any of the names that it has there.
_ENVIRONMENT = re.compile(r"\b_?(?:os\.)?(?:environ|given)$")
_NAME = re.compile(r"[A-Z][A-Z0-9_]{3,}")
_OF_A_REQUEST = re.compile(r"HTTP_.*|REQUEST_METHOD")  # WSGI calls a request's headers an environment, too
_OURS = re.compile(r"(?:HOLDFAST|SERVER|BENCH)_[A-Z0-9_]+")
PROGRAMS = sources("server", "rawsocket", "locustfiles", "lab", "bench")


def _read(path: str) -> Iterator[str]:
    """Variables that a Python file reads, and all of the lab's own that it names."""
    for node in nodes(path):
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
    tests = [path for path in ("tests/conftest.py", "tests/run.py") if "environ" in text(path)]
    found = {name for path in (*PROGRAMS, *tests) for name in _read(path)}
    found |= {setting.variable for table in TABLES for setting in table}
    shell = "".join(map(text, ("compose.yaml", ".ci/run", "Dockerfile")))
    return found | set(re.findall(r"\$\{([A-Z][A-Z0-9_]+):-", shell))


READ = _read_by_all()


def test_variables_are_found_where_they_are_read() -> None:
    assert {"HEADLESS", "SOURCES", "TARGET", "DOCKER_HOST", "GITHUB_STEP_SUMMARY", "BUILD_IMAGE"} <= READ
    assert {"HOLDFAST_MIN_LIFE_S", "HOLDFAST_TARGET", "HOLDFAST_REQUIRE", "SERVER_BLOCK_MS", "BENCH_EVERY"} <= READ


@pytest.mark.parametrize("name", sorted(READ | {"PYTHON"}))
def test_each_variable_that_the_code_reads(name: str) -> None:
    assert f"`{name}`" in text(PAGE)


def test_page_names_no_variable_that_nothing_reads() -> None:
    named = {cell for row in rows(PAGE) for cell in row[:2] if _NAME.fullmatch(cell) and "_" in cell}
    assert named <= READ
