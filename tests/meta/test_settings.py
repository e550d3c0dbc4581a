"""The tables of settings against compose.yaml, and against the environment variables that the code reads."""

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from lab import settings as lab
from lab.user_server import settings as user_server
from rawsocket.settings import table as load
from rawsocket.settings.row import Setting
from server.settings import TABLE as SERVER
from tests.meta.conftest import nodes, sources, text

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(text("compose.yaml"))["services"]
LAB = {row.variable: row for row in (*lab.SETTINGS, *lab.ENVIRONMENT)}
LOAD = {row.variable: row for row in load.TABLE}
OF_SERVER = {row.variable: row for row in SERVER}
# Every setting that a user can give to the lab. SERVER_PORT is the lab's own: what is published.
GIVEN: dict[str, Any] = {**OF_SERVER, **LOAD, **LAB}
# Variables of the peers of the benchmarks, which are scripts of their own: the bench sets them, nobody else.
OF_PEERS = {"BENCH_EVERY", "BENCH_SESSION", "BENCH_TARGET"}
# A request's variables (WSGI), not the process's.
NO_ENVIRONMENT = {"rawsocket/master/page/request_guard.py"}


def _uses() -> list[tuple[str, str]]:
    """Name and default of each ${NAME:-default} in compose.yaml, and in the file with Prometheus and Grafana."""
    return re.findall(r"\$\{(\w+):-([^}]*)\}", _without_comments())


def _without_comments() -> str:
    both = "\n".join(map(text, ("compose.yaml", "compose.watch.yaml")))
    return re.sub(r"^\s*#.*$", "", both, flags=re.M)


def _environment(service: str) -> dict[str, str]:
    return {name: str(value) for name, value in SERVICES[service]["environment"].items()}


def test_every_variable_of_compose_has_a_default() -> None:
    assert len(re.findall(r"\$\{|\$[A-Za-z_]", _without_comments())) == len(_uses())


@pytest.mark.parametrize(("name", "default"), sorted(set(_uses())))
def test_compose_variable_is_a_table_row_with_the_same_default(name: str, default: str) -> None:
    row = GIVEN[name]
    if name == "BASE_IMAGE":
        assert default in row.help
    elif default:
        assert default == row.default
    else:  # passed on empty: the program that reads it has the default of its own table
        assert name in LOAD or name in OF_SERVER or row.default is None


@pytest.mark.parametrize(
    ("service", "name", "value"),
    [(service, name, value) for service in SERVICES for name, value in _environment(service).items()],
)
def test_service_gets_settings_of_its_own_table(service: str, name: str, value: str) -> None:
    table: dict[str, Any] = OF_SERVER if service == "server" else LOAD
    assert name in table
    if "$" not in value:
        table[name].kind.parse(value)


def _passed(*services: str) -> set[str]:
    return {name for service in services for _, value in _environment(service).items() for name, _ in _named(value)}


def _named(value: str) -> list[tuple[str, str]]:
    return re.findall(r"\$\{(\w+):-([^}]*)\}", value)


def test_compose_passes_every_setting_of_a_run_to_master_or_workers() -> None:
    wanted = {row.variable for row in (*load.RUN, *load.OPTIONS, *load.THRESHOLDS)}
    assert wanted <= _passed("master", "worker")
    assert {row.variable for row in load.OPTIONS} <= _passed("master") & _passed("worker")
    assert {row.variable for row in load.THRESHOLDS} <= _passed("master")


def test_compose_passes_every_setting_of_the_server_under_the_name_that_the_lab_has_for_it() -> None:
    for row in SERVER:
        if row.name in ("port", "admin_port", "host", "admin_host"):  # compose's own: what is published
            continue
        # TLS_CERT and TLS_KEY are the client's.
        same = row.name.upper() in LAB and not row.name.startswith("tls_")
        in_the_lab = row.name.upper() if same else row.variable
        assert in_the_lab in _passed("server")


OF_THE_LAB_ALONE = (
    *("engine", "keep", "tls", "replace", "network", "watch", "drill", "at", "for", "recover"),
    *(row.name for row in user_server.TABLE),
)


@pytest.mark.parametrize(
    "row", [row for row in lab.SETTINGS if row.name not in OF_THE_LAB_ALONE], ids=lambda row: row.variable
)
def test_every_setting_of_the_lab_reaches_compose(row: Setting) -> None:
    assert row.variable in {name for name, _ in _uses()}


def _read(path: str) -> Iterator[str]:
    """The environment variables that a file reads: by name from an environment, or by a name that only they have."""
    for node in nodes(path):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and "environ" in ast.unparse(node.func):
            yield from _constants(node.args[:1])
        elif isinstance(node, ast.Subscript) and "environ" in ast.unparse(node.value):
            yield from _constants([node.slice])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("getenv", "from_environment"):
            yield from _constants(node.args[:1])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"^(?:HOLDFAST|SERVER|BENCH)_[A-Z_]+$", node.value)


def _constants(nodes: list[ast.expr]) -> Iterator[str]:
    yield from (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


READ = sorted(
    {
        (path, name)
        for path in sources("server", "rawsocket", "lab", "bench", "locustfiles")
        if path not in NO_ENVIRONMENT
        for name in _read(path)
        if re.fullmatch(r"[A-Z][A-Z0-9_]+", name)
    }
)


def test_reads_of_the_environment_are_found() -> None:
    found = {name for _, name in READ}
    assert {"HOLDFAST_RUNS", "HOLDFAST_SERVER_ADMIN", "TARGET", "DOCKER_HOST", "BUILD_IMAGE", "BENCH_EVERY"} <= found


@pytest.mark.parametrize(("path", "name"), READ)
def test_environment_variable_that_the_code_reads_is_in_a_table(path: str, name: str) -> None:
    assert name in GIVEN or (name in OF_PEERS and path.startswith("bench/"))


@pytest.mark.parametrize("name", re.findall(r"^ARG (\w+)", text("Dockerfile"), re.M))
def test_dockerfile_argument_is_in_a_table(name: str) -> None:
    assert name in LAB


def test_rows_of_all_tables_have_the_same_fields() -> None:
    fields = ("name", "kind", "default", "help", "why", "flag", "variable", "shown_default")
    for row in (*SERVER, *load.TABLE, *lab.SETTINGS, *lab.ENVIRONMENT):
        assert [name for name in fields if not hasattr(row, name)] == []
        assert callable(row.kind.parse)
        assert isinstance(row.kind.metavar, str)


def test_lab_and_benchmarks_have_the_rows_of_the_load() -> None:
    assert all(isinstance(row, Setting) for row in (*lab.SETTINGS, *lab.ENVIRONMENT))
