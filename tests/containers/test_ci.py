"""The CI run through `lab` and through plain compose: exit codes, artefacts, nothing left."""

import json
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import docker
import pytest

from lab import page
from lab.engines import identity
from tests.conftest import missing
from tests.support.busy_machine import demand, retry_on_busy_machine
from tests.support.lab import ROOT, environment
from tests.support.pinned import ARTEFACTS

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
        ((), 0, "pass"),
        (("--max-connections", "40", "--min-held", "50"), 3, "fail"),
        (("--tls", "yes"), 0, "pass"),
    ],
)
def test_ci_exits_with_its_verdict(
    client: docker.DockerClient, images: None, extra: tuple[str, ...], code: int, verdict: str
) -> None:
    pid, returned, out, err = _ci(*SHORT, *extra)
    demand(code, returned, out, err)
    folder = _folder(err)
    assert out.endswith(f"\nReport: runs/{folder.name}/report.html\nverdict: {verdict} (exit code {code})\n")
    assert {path.name for path in folder.iterdir()} == ALL
    assert (ROOT / "runs/latest").resolve().name >= folder.name  # another test may have begun a run since
    assert {path.stat().st_uid for path in folder.rglob("*")} == {os.getuid()}
    written = json.loads((folder / "verdict.json").read_text())
    assert (written["verdict"], written["exit_code"]) == (verdict, code)
    assert ElementTree.parse(folder / "junit.xml").getroot() is not None
    if verdict == "pass":
        assert (written["server"]["info"]["model"], written["ledger"]["reconciled"]) == ("select", True)
        assert written["held"]["steady_min"] == written["held"]["server_steady_min"] == 60
    assert _left(client, pid) == []


def test_ctrl_c_removes_containers_networks_and_volumes(client: docker.DockerClient, images: None) -> None:
    command = [sys.executable, "-u", "-m", "lab", "ci", "--users", "20", "--time", "60s"]
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


@retry_on_busy_machine
@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ({}, 0),
        ({"MAX_CONNECTIONS": "40", "MIN_HELD": "50"}, 3),
        ({"WORKERS": "0"}, 4),
        ({"MIN_HELD": "61"}, 2),
        ({"TARGET": "tcp://192.0.2.1:9"}, 2),
    ],
)
def test_plain_compose_exits_with_the_masters_code(
    client: docker.DockerClient, images: None, version: int, extra: dict[str, str], code: int
) -> None:
    composes = _composes()
    if version >= len(composes):
        missing("compose-v1-and-v2", f"only {composes} found")
    project = f"holdfast-plain-{os.getpid()}"
    ours = [f"holdfast-{name}" for name in ("server", "load")]
    for image in ours:  # compose's tag is its project
        client.images.get(f"{image}:{identity.tag()}").tag(image, project)
    command = [*composes[version], "--project-name", project]
    # Not port 0: the engine would choose one that an outgoing connection of another test may have.
    ports = {"PAGE_PORT": str(page.free_port()), "SERVER_PORT": str(page.free_port())}
    ports["COMPOSE_PROJECT_NAME"] = project  # 1.29 has to be told
    settings = {"HEADLESS": "true", "USERS": "60", "RATE": "60", "TIME": "7s", **ports}
    whole = environment({**settings, "MAX_P99_MS": "0", **extra})
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
