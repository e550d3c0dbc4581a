"""The programs offer what tests/support/public_interfaces.py and pinned.py write out; one real run shows most of it.

Other promises have their tests elsewhere:

- exit codes of `lab ci` and `load`: the tests of the native lab in tests/lab, tests/containers/test_ci.py; of the
  headless master: tests/rawsocket/master; of the server: tests/server/test_main.py and tests/server/models
- published ports: tests/meta/test_containers.py
- what the server sends (`Hello from server!`, `ERR ...`): tests/server, the protocol's tests and the contract suite
- failure names: tests/rawsocket, the tests of errors
- that the totals of stats.csv and verdict.json agree, and who owns artefacts: tests/lab, tests/containers/test_ci.py
"""

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from lab import __main__ as lab
from server.__main__ import main as server_main
from tests.meta.conftest import sources, text
from tests.support import public_interfaces
from tests.support.locust_fleet import LocustFleet, locust_fleet
from tests.support.pinned import ARTEFACTS, FAILURES
from tests.support.server_process import ServerProcess, running_server

USERS = 10


@cache
def _help(program: str, *arguments: str) -> str:
    """What `python -m lab ...` or `python -m server` says of itself, each flag on one line."""
    output = StringIO()
    words = [*arguments, "--help"]
    with patch.dict(os.environ, COLUMNS="1000"), redirect_stdout(output), pytest.raises(SystemExit) as end:
        lab.main(words) if program == "lab" else server_main(words, os.environ)
    assert not end.value.code
    return re.sub(r"\n {10,}", "  ", output.getvalue())


@dataclass
class Run:
    """A run in which one of the server's two processes was killed: what was seen before its stop, and its artefacts."""

    state: dict[str, Any]
    load_metrics: str
    server_metrics: str
    health: str
    folder: Path

    @property
    def verdict(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "verdict.json").read_text()))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("interfaces")
    with (
        running_server("--app", "echo", "--processes", "2", "--max-connections", "100") as server,
        locust_fleet(folder, server, workers=1, EVERY="0.2") as fleet,
    ):
        yield _run(server, fleet)


def _run(server: ServerProcess, fleet: LocustFleet) -> Run:
    fleet.wait(lambda state: state["workers"])
    assert fleet.page.swarm(USERS, USERS)["success"]
    fleet.wait(lambda state: state["held"] == state["server_held"] == USERS and state["server_processes"])
    pid = re.search(r'^holdfast_server_process_pid{process="1"} (\S+)', server.get("/metrics")[1], re.M)
    assert pid
    os.kill(int(float(pid[1])), signal.SIGKILL)
    state = fleet.wait(
        lambda state: (
            state["held"] == state["server_held"] == USERS
            and fleet.page.metric("holdfast_load_reconnects_total") > 0
            and len(state["server_processes"]) == 2
        )
    )
    found = Run(
        state, fleet.page.text("/metrics"), server.get("/metrics")[1], fleet.page.text("/lab/healthz"), fleet.runs
    )
    fleet.page.post("/stop")
    fleet.wait(lambda state: state["verdict"] and (fleet.runs / "report.html").exists())
    return found


@pytest.mark.parametrize("command", public_interfaces.COMMANDS)
def test_each_command_of_the_lab_and_its_make_target(command: str) -> None:
    assert re.search(rf"^ +{command}  ", _help("lab"), re.M)
    # `status` and `clean` call it only where something is installed.
    assert re.search(rf"^{command}:.*\n(?:\t.*\n)*?\t@.*\$\(LAB\) {command}\b", text("Makefile"), re.M)


@pytest.mark.parametrize("command", ["up", "load", "ci"])
@pytest.mark.parametrize(("name", "default"), public_interfaces.VARIABLES.items())
def test_each_variable_of_the_lab_is_a_flag_with_its_default(command: str, name: str, default: str) -> None:
    flag = "--" + name.lower().replace("_", "-")
    line = re.search(rf"^ +{flag} X +(.*)$", _help("lab", command), re.M)
    assert line
    assert (re.findall(r"\(default (.*)\)$", line[1]) or [""]) == [default]


def test_each_variable_of_the_lab_reaches_a_container() -> None:
    """But for those that are about the containers themselves."""
    outside = {"ENGINE", "TLS"}
    used = set(re.findall(r"\$\{(\w+)", text("compose.yaml")))
    assert public_interfaces.VARIABLES.keys() - outside <= used


@pytest.mark.parametrize(("flag", "default"), public_interfaces.SERVER_FLAGS.items())
def test_each_flag_of_the_server_its_default_and_its_variable(flag: str, default: str) -> None:
    line = re.search(rf"^ +{flag} .*", _help("server"), re.M)
    assert line
    assert f". Default {default}: " in line[0]
    assert line[0].endswith(f" Variable SERVER_{flag.removeprefix('--').upper().replace('-', '_')}.")


def test_no_flag_of_the_server_is_without_a_promise() -> None:
    assert set(re.findall(r"^  (--[\w-]+)", _help("server"), re.M)) == public_interfaces.SERVER_FLAGS.keys()


def _labels(exposition: str) -> dict[str, set[str]]:
    """Name of each sample -> the labels that it has."""
    families = text_string_to_metric_families(exposition)
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


@pytest.mark.parametrize(("name", "labels"), public_interfaces.SERVER_METRICS.items())
def test_each_metric_of_the_server(run: Run, name: str, labels: tuple[str, ...]) -> None:
    assert _labels(run.server_metrics)[name] == set(labels)


def test_server_closes_for_the_pinned_reasons(run: Run) -> None:
    reasons = re.findall(r'^holdfast_server_closed_total{reason="(.*)"} ', run.server_metrics, re.M)
    assert sorted(reasons) == sorted(public_interfaces.CLOSED_REASONS)


@pytest.mark.parametrize(("name", "labels"), public_interfaces.LOAD_METRICS.items())
def test_each_metric_of_the_master(run: Run, name: str, labels: tuple[str, ...]) -> None:
    assert _labels(run.load_metrics)[name] == set(labels)


def test_page_has_the_pinned_addresses_and_state_fields(run: Run) -> None:
    assert run.health.strip() == "ok"
    assert run.state.keys() >= public_interfaces.STATE
    assert run.state["server"].keys() >= public_interfaces.STATE_SERVER
    assert [set(process) for process in run.state["server_processes"]] == [public_interfaces.STATE_PROCESS] * 2
    assert [public_interfaces.STATE_WORKER - worker.keys() for worker in run.state["workers"]] == [set()]


def test_master_writes_the_pinned_artefacts(run: Run) -> None:
    assert {path.name for path in run.folder.iterdir()} == ARTEFACTS


@pytest.mark.parametrize(("path", "fields"), public_interfaces.VERDICT.items())
def test_verdict_has_the_pinned_fields(run: Run, path: str, fields: set[str]) -> None:
    assert fields <= (run.verdict[path] if path else run.verdict).keys()


def test_verdict_has_the_pinned_values(run: Run) -> None:
    verdict = run.verdict
    assert verdict["schema"] == public_interfaces.VERDICT_SCHEMA
    assert (verdict["verdict"], verdict["exit_code"]) in [("fail", 3), ("unknown", 4)]  # 4: too busy a machine
    assert all(isinstance(reason, str) for reason in verdict["reasons"])
    assert [set(times) for times in verdict["latency_ms"].values()] == [public_interfaces.PERCENTILES] * 4
    assert [set(row) for row in verdict["thresholds"]] == [public_interfaces.THRESHOLD] * len(verdict["thresholds"])
    assert {row["name"] for row in verdict["thresholds"]} >= {"max_failures", "max_p99_ms"}
    assert verdict["connections"]["dropped"].keys() <= set(FAILURES)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("timeline.csv", public_interfaces.TIMELINE),
        ("stats.csv", public_interfaces.STATS),
        ("failures.csv", public_interfaces.FAILURES_CSV),
    ],
)
def test_tables_have_the_pinned_columns(run: Run, name: str, columns: str) -> None:
    header = (run.folder / name).read_text().splitlines()[0].split(",")
    assert header[: columns.count(",") + 1] == columns.split(",")
    more = {"timeline.csv": ["event"]}.get(name, [])
    assert name == "stats.csv" or header == [*columns.split(","), *more]


def test_locusts_statistics_have_the_pinned_rows(run: Run) -> None:
    """A connection that is lost with a message under way fails that message; `drop` has those without one."""
    rows = [line.split(",")[:2] for line in (run.folder / "stats.csv").read_text().splitlines()[1:]]
    *named, total = rows
    assert total == ["", "Aggregated"]
    assert {kind for kind, _ in named} == {public_interfaces.REQUEST_TYPE}
    names = {name for _, name in named}
    assert names - {"drop"} == {"connect", "reconnect", "message"}
    assert names <= {*public_interfaces.ROWS, "message"}


def test_lab_uses_the_pinned_places() -> None:
    assert re.search(r"^PYTHON \?= python3$", text("Makefile"), re.M)
    assert "test -x .venv/bin/pip || $(PYTHON) -m venv .venv" in text("Makefile")
    labels = [service["labels"] for service in yaml.safe_load(text("compose.yaml"))["services"].values()]
    assert all("holdfast.project" in label for label in labels)
    code = "".join(text(path) for path in sources("lab"))
    assert {'work() / ".lab"', '"holdfast-base:trixie"', '"holdfast.project"'} <= set(
        re.findall(r'work\(\) / "\.lab"|"holdfast-base:trixie"|"holdfast\.project"', code)
    )
