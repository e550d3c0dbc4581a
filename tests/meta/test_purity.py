"""The arrows between the rooms, and the pure files, by what they import."""

import ast
import json
import subprocess
import sys
from functools import cache

import pytest

from lab.settings import ROOT
from tests.meta.conftest import nodes, sources, text

PURE = (
    "server/protocol.py",
    "rawsocket/wire/framing_detection.py",
    "rawsocket/wire/framing_candidates.py",
    "rawsocket/wire/framing.py",
    "rawsocket/wire/framing_base.py",
    "rawsocket/wire/framing_lengths.py",
    "rawsocket/wire/framing_marks.py",
    "rawsocket/wire/framing_text.py",
    "rawsocket/wire/framing_unframed.py",
    "rawsocket/wire/framing_words.py",
    "rawsocket/wire/payload.py",
    *(f"rawsocket/check/{name}.py" for name in ("diagnosis", "dialogue", "frame_splitter", "steps", "text", "words")),
    "rawsocket/verdict/judge.py",
    "rawsocket/verdict/saturation.py",
    "rawsocket/verdict/run_errors.py",
    "rawsocket/verdict/alerts.py",
    *(f"rawsocket/verdict/causes/{name}.py" for name in ("cause", "generator", "server")),
    "rawsocket/verdict/silent_feeds.py",
    "rawsocket/verdict/observed.py",
    "rawsocket/verdict/remedies.py",
    "rawsocket/verdict/threshold_words.py",
    "rawsocket/verdict/words.py",
    *(f"rawsocket/verdict/drills/{name}.py" for name in ("prediction", "recovery", "record")),
    "lab/drills/processes/backoff.py",
    "rawsocket/master/reports/drill_table.py",
    *(
        f"rawsocket/conversation/{name}.py"
        for name in ("answers", "data", "expectations", "formats", "framings", "plan", "pushes", "script", "templates")
    ),
    "rawsocket/errors.py",
    "rawsocket/settings/declared.py",
    "rawsocket/settings/suggestion.py",
    "rawsocket/settings/endpoints.py",
    "rawsocket/settings/options.py",
    "rawsocket/identity/pool.py",
    "rawsocket/settings/plan.py",
    "rawsocket/settings/row.py",
    "rawsocket/settings/find_scenario.py",
    "rawsocket/settings/table.py",
    "rawsocket/target.py",
    "rawsocket/users/steps.py",
    "rawsocket/engine/schedule.py",
    "rawsocket/users/reconnect.py",
    "rawsocket/measurement/stats_rows.py",
    "rawsocket/engine/exchange/in_flight.py",
    "rawsocket/measurement/arrival_stats.py",
    "rawsocket/measurement/report.py",
    "rawsocket/master/messages/rules.py",
    "rawsocket/settings/thresholds.py",
    "rawsocket/verdict/ledger.py",
    "rawsocket/verdict/ledger_rows.py",
    "rawsocket/master/worker_lag.py",
    "rawsocket/master/observability/exponential.py",
    "rawsocket/master/observability/otlp_request.py",
    "rawsocket/master/observability/target_series.py",
    "rawsocket/master/reports/server_summary.py",
    "rawsocket/master/reports/console.py",
    "rawsocket/master/reports/layout.py",
    "rawsocket/master/reports/progress.py",
    "rawsocket/master/reports/result.py",
    "rawsocket/measurement/histogram.py",
    "rawsocket/measurement/latencies.py",
    *(
        path
        for path in sources("rawsocket")
        if path.startswith(("rawsocket/master/reports/html/", "rawsocket/shapes/"))
    ),
    *(path for path in sources("bench") if path.startswith(("bench/results/", "bench/charts/"))),
    "bench/load/stall_latency.py",
    "lab/drills/namespace/rules.py",
    "lab/recording/reassembly.py",
    "lab/recording/traffic.py",
    *(p for p in sources("lab") if p.startswith(("lab/recording/messages/", "lab/recording/script/"))),
)
IMPURE = {"socket", "_socket", "select", "selectors", "time", "threading", "logging", "gevent", "locust", "asyncio"}
LIBRARIES = {
    "server": {"prometheus_client", "server"},
    "rawsocket": {
        "rawsocket",
        "locust",
        "gevent",
        "prometheus_client",
        "hdrh",
        "jinja2",
        "markupsafe",
        "flask",
        "flask_login",
        "werkzeug",
        "msgpack",
        "zmq",
        "psutil",
    },
    "locustfiles": {"rawsocket", "locust", "locustfiles"},
    "lab": {"lab", "docker", "dpkt", "msgspec", "requests", "rich", "yaml", "rawsocket", "server", "bench"},
    "holdfast": {"lab"},
    "bench": {"bench", "lab", "rawsocket"},
    # Scripts that are handed to other programs, and never imported.
    "bench/peers": {"locust", "rawsocket", "gevent"},
}


@cache
def _imports(path: str) -> set[str]:
    """Modules that a file imports anywhere, inside functions as well; for typing only counts too."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and _name(node.func) in ("import_module", "__import__"):
            found |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    return found


def _name(function: ast.expr) -> str:
    """The last part of a function's name."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


@cache
def _modules(path: str) -> set[str]:
    """The modules behind a file's imports, without the names imported from them."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@cache
def _tops(path: str) -> set[str]:
    return {name.split(".")[0] for name in _imports(path)}


def _files_of(modules: set[str]) -> set[str]:
    """The repo's own files behind some modules."""
    names = {module.replace(".", "/") for module in modules}
    return {path for name in names for path in (f"{name}.py", f"{name}/__init__.py") if (ROOT / path).is_file()}


@pytest.mark.parametrize("path", PURE)
def test_pure_file_uses_no_socket_clock_thread_or_logger(path: str) -> None:
    """Neither by itself nor through what it imports of the repo."""
    seen, todo = set(), {path}
    while todo:
        current = todo.pop()
        seen.add(current)
        assert not _tops(current) & IMPURE, current
        todo |= _files_of(_imports(current)) - seen


@pytest.mark.parametrize("room", LIBRARIES)
def test_package_imports_only_what_it_may(room: str) -> None:
    files = [path for path in sources(room.split("/")[0]) if _room(path) == room]
    assert files
    foreign = {path: _tops(path) - LIBRARIES[room] - sys.stdlib_module_names for path in files}
    assert {path: names for path, names in foreign.items() if names} == {}


def _room(path: str) -> str:
    return max((room for room in LIBRARIES if path.startswith(f"{room}/")), key=len)


def test_no_code_imports_a_benchmark_peer() -> None:
    peers = {path for path in sources("bench") if _room(path) == "bench/peers"}
    assert peers
    rooms = {room.split("/")[0] for room in LIBRARIES}
    assert [path for path in sources(*rooms) if _files_of(_imports(path)) & peers] == []


def test_no_package_imports_the_lab_or_the_benchmarks() -> None:
    files = sources("server", "rawsocket", "locustfiles")
    assert [path for path in files if _tops(path) & {"lab", "bench"}] == []


SHARED = {
    # The dialogue of a check, which the lab shows.
    "rawsocket.check",
    "rawsocket.check.dialogue",
    "rawsocket.check.text",
    # What a run prints: the master writes it where no lab does.
    "rawsocket.master.reports.console",
    "rawsocket.master.reports.layout",
    "rawsocket.master.reports.progress",
    "rawsocket.master.reports.result",
    "rawsocket.master.reports.html",
    "rawsocket.master.reports.html.compare",
    "rawsocket.master.reports.html.documents",
    "rawsocket.master.reports.html.render",
    "rawsocket.master.reports.html.sections",
    # What the lab makes of a conversation, and workers execute; and its checks of messages and framings.
    "rawsocket.conversation.framings",
    "rawsocket.conversation.plan",
    "rawsocket.conversation.templates",
    "rawsocket.settings.declared",
    "rawsocket.settings.endpoints",
    "rawsocket.settings.row",
    "rawsocket.settings.find_scenario",
    "rawsocket.settings.suggestion",
    "rawsocket.settings.table",
    # What a load shape needs at its peak is checked before the run.
    "rawsocket.shapes.document",
    "rawsocket.shapes.scenario",
    "rawsocket.shapes.shape",
    "rawsocket.target",
    # What a drill predicts, and when a run has recovered.
    "rawsocket.verdict.drills.prediction",
    "rawsocket.verdict.drills.recovery",
    # The framings that fit a recording, and how a file writes them.
    "rawsocket.errors",
    "rawsocket.wire.framing_detection",
    "rawsocket.wire.framing",
    "rawsocket.wire.framing_words",
    "server.models",
    "server.models.base",
    "server.settings",
}


@pytest.mark.parametrize("room", ["lab", "bench"])
def test_lab_shares_only_tables_of_settings_and_texts_with_load_and_server(room: str) -> None:
    for path in sources(room):
        modules = {name for name in _modules(path) if name.split(".")[0] in ("rawsocket", "server")}
        assert _room(path) != room or modules <= SHARED, path


@cache
def _loaded_after_imports_of(*modules: str) -> list[list[str]]:
    """All modules that a new interpreter has loaded after it has imported the first of `modules`, the second, ..."""
    code = (
        "import sys, json, importlib as i\nfor m in sys.argv[1:]: i.import_module(m); print(json.dumps([*sys.modules]))"
    )
    command = [sys.executable, "-c", code, *modules]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_lab_does_not_import_locust() -> None:
    (loaded,) = _loaded_after_imports_of("lab.__main__")
    assert "lab.__main__" in loaded
    assert {"locust", "gevent"} & set(loaded) == set()


def test_lab_imports_the_benchmarks_only_to_run_them() -> None:
    assert [path for path in sources("lab") if "bench" in _tops(path)] == [
        "lab/__main__.py",
        "lab/inputs/own_arguments.py",
    ]
    (loaded,) = _loaded_after_imports_of("lab.__main__")
    assert "bench" not in loaded


def test_pure_files_import_without_locust() -> None:
    """All in one interpreter: the first of them that loads Locust is named."""
    modules = [path.removesuffix(".py").replace("/", ".") for path in PURE if path.startswith("rawsocket/")]
    loaded = _loaded_after_imports_of(*modules)
    assert [name for name, found in zip(modules, loaded, strict=True) if {"locust", "gevent"} & set(found)][:1] == []


def test_worker_loads_neither_page_nor_reports() -> None:
    """They would cost each worker 5 MB and a tenth of a second."""
    (loaded,) = _loaded_after_imports_of("rawsocket.attach")
    of_master = (
        "rawsocket.headless",
        "rawsocket.master.page",
        "rawsocket.master.reports",
        "rawsocket.master.controller",
    )
    assert [module for module in loaded if module.startswith(of_master)] == []


def test_only_attach_adds_listeners() -> None:
    adding = [path for path in sources("rawsocket", "locustfiles") if ".add_listener(" in text(path)]
    assert adding == ["rawsocket/attach.py"]


def test_library_code_prints_nothing() -> None:
    paths = sources("server", "rawsocket", "locustfiles", "lab", "bench", "holdfast")
    assert [path for path in paths if "print" in _called(path)] == []


def _called(path: str) -> set[str]:
    calls = [node.func for node in nodes(path) if isinstance(node, ast.Call)]
    return {function.id for function in calls if isinstance(function, ast.Name)}
