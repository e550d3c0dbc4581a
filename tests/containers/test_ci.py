"""The CI run through `lab` and through plain compose: exit codes, artefacts, nothing left."""

import json
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml

from lab.engines import identity
from tests.conftest import missing
from tests.support.busy_machine import demand, retry_on_busy_machine
from tests.support.lab import ROOT, environment
from tests.support.pinned import ARTEFACTS
from tests.support.ports import lab_ports

SHORT = ("--users", "60", "--rate", "60", "--time", "7s", "--max-p99-ms", "0")
ALL = {*ARTEFACTS, "logs"}


def _left(client: docker.DockerClient, pid: int) -> list[str]:
    """Name what carries the label of the finished run of the process `pid`: the project's name ends with it."""
    mine = {"label": "holdfast.project"}
    containers = client.containers.list(all=True, filters=mine, ignore_removed=True)
    networks = client.networks.list(filters=mine)
    names = [c.labels["holdfast.project"] for c in containers]
    names += [n.attrs["Labels"]["holdfast.project"] for n in networks]
    names += [v.attrs["Labels"]["holdfast.project"] for v in client.volumes.list(filters=mine)]
    return [name for name in names if name.endswith(f"-{pid}")]


def _folder(output: str) -> Path:
    match = re.search(r"Artefacts: (\S+?)/ ", output)
    assert match, output
    return ROOT / match[1]


def _ci(*arguments: str) -> tuple[int, int, str, str]:
    """Run `lab ci` to its end; return its pid, exit code, stdout and stderr."""
    command = [sys.executable, "-m", "lab", "ci", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as running:  # fmt: skip
        out, err = running.communicate(timeout=400)
    return running.pid, running.returncode, out, err


@retry_on_busy_machine
@pytest.mark.parametrize(
    ("extra", "code", "verdict"),
    [
        (("--max-connections", "40", "--min-held", "50"), 3, "fail"),
        (("--tls", "yes", "--workers", "1"), 0, "pass"),  # of plain runs that pass, test_models.py has several
    ],
)
def test_ci_exits_with_its_verdict(
    client: docker.DockerClient, images: None, extra: tuple[str, ...], code: int, verdict: str
) -> None:
    pid, returned, out, err = _ci(*SHORT, *extra)
    folder = _folder(err)
    written = json.loads((folder / "verdict.json").read_text())
    demand(code, returned, out, err, verdict=written)
    assert out.endswith(f"\nReport: runs/{folder.name}/report.html\nverdict: {verdict} (exit code {code})\n")
    assert {path.name for path in folder.iterdir()} == ALL
    assert (ROOT / "runs/latest").resolve().name >= folder.name  # another test may have begun a run since
    assert {path.stat().st_uid for path in folder.rglob("*")} == {os.getuid()}
    assert (written["verdict"], written["exit_code"]) == (verdict, code)
    assert ElementTree.parse(folder / "junit.xml").getroot() is not None
    if verdict == "pass":
        assert (written["server"]["info"]["model"], written["ledger"]["reconciled"]) == ("select", True)
        assert written["held"]["steady_min"] == written["held"]["server_steady_min"] == 60
    assert _left(client, pid) == []


def test_ctrl_c_removes_containers_networks_and_volumes(client: docker.DockerClient, images: None) -> None:
    command = [sys.executable, "-u", "-m", "lab", "ci", "--users", "20", "--time", "60s", "--workers", "1"]
    running = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert running.stderr
    assert any(re.match(r"held \d+/", line) for line in running.stderr)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=120)
    assert running.returncode == 130
    assert _left(client, running.pid) == []


def _composes() -> list[list[str]]:
    found = []
    for command in (["docker", "compose"], ["docker-compose"]):
        try:
            if subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0:
                found.append(command)
        except FileNotFoundError:
            continue
    return found


def _log_of_the_master(client: docker.DockerClient, project: str) -> str:
    """What the master printed. What compose v1 shows of it may lack the last lines."""
    labels = [f"com.docker.compose.project={project}", "com.docker.compose.service=master"]
    return "".join(each.logs().decode() for each in client.containers.list(all=True, filters={"label": labels}))


def _version(number: int) -> list[str]:
    composes = _composes()
    if number >= len(composes):
        missing("compose-v1-and-v2", f"only {composes} found")
    return composes[number]


def _plain(project: str, extra: dict[str, str]) -> dict[str, str]:
    """Return the environment of a run with plain compose."""
    # Not port 0: the engine would choose one that an outgoing connection of another test may have.
    ports = lab_ports()
    ports["COMPOSE_PROJECT_NAME"] = project  # 1.29 has to be told
    settings = {"HEADLESS": "true", "USERS": "60", "RATE": "60", "TIME": "7s", **ports}
    return environment({**settings, "MAX_P99_MS": "0", **extra})


#: Settings of a run, the version of compose that makes it, and its exit code.
PLAIN: list[tuple[dict[str, str], int, int]] = [
    ({"MAX_CONNECTIONS": "40", "MIN_HELD": "50", "WORKERS": "1"}, 0, 3),
    ({"MIN_HELD": "61", "WORKERS": "1"}, 0, 2),
    ({}, 1, 0),
    ({"TARGET": "tcp://192.0.2.1:9", "WORKERS": "1"}, 1, 2),
    ({"WORKERS": "0"}, 1, 4),
]


@pytest.mark.parametrize("extra", [{}, {name: value for extra, _, _ in PLAIN for name, value in extra.items()}])
def test_both_versions_of_compose_read_the_file_alike(extra: dict[str, str]) -> None:
    """So each case below needs only one of them, and what depends on the version both: a run, and an early exit."""
    _version(1)
    whole = _plain("holdfast-plain", extra)
    read = []
    for command in _composes():
        done = subprocess.run(
            [*command, "--project-name", "holdfast-plain", "config"],
            cwd=ROOT, env=whole, capture_output=True, text=True, check=True,
        )  # fmt: skip
        read.append({name: _meant(service) for name, service in yaml.safe_load(done.stdout)["services"].items()})
    assert read[0] == read[1]


def _meant(service: dict[str, Any]) -> dict[str, Any]:
    """What a run depends on, in one form: the versions write the same in different ways."""
    return {
        "environment": {name: str(value or "") for name, value in service["environment"].items()},
        "replicas": int(service.get("deploy", {}).get("replicas", 1)),
        "command": service.get("command"),
        "depends_on": {name: how["condition"] for name, how in service.get("depends_on", {}).items()},
        "networks": sorted(service["networks"]),
        "restart": service["restart"],
        "image": service["image"],
    }


@retry_on_busy_machine
@pytest.mark.parametrize(("extra", "version", "code"), PLAIN)
def test_plain_compose_exits_with_the_masters_code(
    client: docker.DockerClient, images: None, extra: dict[str, str], version: int, code: int
) -> None:
    project = f"holdfast-plain-{os.getpid()}"
    command = [*_version(version), "--project-name", project]
    ours = [f"holdfast-{name}" for name in ("server", "load")]
    for image in ours:  # compose's tag is its project
        client.images.get(f"{image}:{identity.tag()}").tag(image, project)
    whole = _plain(project, extra)
    try:
        up = subprocess.run(
            [*command, "up", "--exit-code-from", "master"],
            cwd=ROOT, env=whole, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        demand(code, up.returncode, _log_of_the_master(client, project), up.stderr[-3000:])
    finally:
        subprocess.run(
            [*command, "down", "--volumes", "--timeout", "5"], cwd=ROOT, env=whole, capture_output=True, check=True
        )
        for image in ours:
            client.images.remove(f"{image}:{project}", force=True)  # other tags share it
