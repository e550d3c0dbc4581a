"""A server of the user's own in containers: built from a folder, limited as ours, its CPU and memory known."""

import json
import re
import socket
from collections.abc import Callable, Iterator

import docker
import pytest

from lab import page_client
from lab.engines import identity
from lab.engines.docker.base_image import FALLBACK
from lab.engines.docker.user_server.image import BUILT
from tests.containers.conftest import PROJECT
from tests.support.lab import ROOT, Page, lab

#: With an argument it ends with 7, so many seconds after its first message: a busy machine may start a load late.
SERVER = """
import os, socket, sys, threading

ending = threading.Event()

def end():
    if sys.argv[1:] and not ending.is_set():
        ending.set()
        threading.Timer(float(sys.argv[1]), os._exit, [7]).start()

def serve(connection):
    with connection:
        while data := connection.recv(65536):
            end()
            connection.sendall(data)

with socket.create_server(("0.0.0.0", int(os.environ["PORT"])), backlog=512) as listener:
    print("ready, as user", os.getuid(), flush=True)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""
SMALL = {"USERS": "20", "RATE": "20", "EVERY": "0.5", "WORKERS": "1", "MAX_P99_MS": "0"}


@pytest.fixture(scope="module")
def mine(client: docker.DockerClient, images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A folder with a server and its Dockerfile, on the base of the lab's own images."""
    base = next(tag for tag in (FALLBACK, "python:3.13-slim") for image in client.images.list() if tag in image.tags)
    folder = tmp_path_factory.mktemp("mine")
    (folder / "server.py").write_text(SERVER)
    (folder / "Dockerfile").write_text(f'FROM {base}\nCOPY server.py /\nEXPOSE 7000\nCMD ["python3", "/server.py"]\n')
    yield str(folder)
    client.images.remove(f"{BUILT}:{identity.tag()}", force=True)


def test_run_has_its_cpu_and_memory_its_log_and_how_it_ended(mine: str, client: docker.DockerClient) -> None:
    command = "python3 /server.py 5"
    done = lab("load", HOLDFAST_PROJECT=PROJECT, TIME="14s", SERVER_BUILD=mine, SERVER_COMMAND=command, **SMALL)
    assert done.returncode == 3, done.stdout + done.stderr
    folder = re.search(r"^Artefacts: (\S+)/ ", done.stderr, re.M)
    assert folder
    files = ROOT / folder[1]
    verdict = json.loads((files / "verdict.json").read_text())
    assert verdict["cause"]["name"] == "server-gone"
    assert "ended with exit code 7" in verdict["cause"]["text"]
    server = verdict["server"]
    assert (server["source"], server["restarts"], server["memory_limit_bytes"]) == ("engine", 0, 1 << 30)
    assert server["cpu_seconds"] > 0
    assert server["memory_max_bytes"] > 1_000_000
    header, *_ = (files / "timeline.csv").read_text().splitlines()
    assert {"server_cpu_share", "server_memory_bytes"} <= set(header.split(","))
    (log,) = files.glob("logs/*-server-1.log")
    assert log.read_text() == "ready, as user 10001\n"
    assert not (files / "server-usage.json").exists()
    labels = client.images.get(f"{BUILT}:{identity.tag()}").labels
    assert labels["holdfast.folder"] == str(ROOT)


def test_page_has_its_cpu_and_memory_and_sees_a_restart(
    mine: str, client: docker.DockerClient, bring_up: Callable[..., Page]
) -> None:
    shown = bring_up(SERVER_BUILD=mine, **SMALL)
    found = shown.wait(lambda state: bool(state["server"]) and state["server"]["cpu_share"] is not None)
    assert found["server"]["name"].startswith("SERVER_BUILD=")
    assert found["server"]["memory_bytes"] > 1_000_000
    (server,) = client.containers.list(filters={"name": f"{PROJECT}-server-1"})
    config = server.attrs["HostConfig"]
    assert (config["ReadonlyRootfs"], config["CapDrop"], config["Memory"]) == (True, ["ALL"], 1 << 30)
    (binding,) = server.attrs["NetworkSettings"]["Ports"]["7000/tcp"]
    assert binding["HostIp"] == "127.0.0.1"
    with socket.create_connection(("127.0.0.1", int(binding["HostPort"])), 30) as connection:
        connection.sendall(b"hello\n")
        assert connection.recv(99) == b"hello\n"
    shown.swarm(20, 20)
    shown.wait(lambda state: state["held"] == 20)
    server.restart(timeout=0)
    state = shown.wait(lambda state: state["server"]["restarts"] == 1)
    assert state["state"] == "running"
    assert page_client.listens(int(binding["HostPort"]))


def test_drill_kills_it_and_starts_it_again(mine: str) -> None:
    given = {**SMALL, "MAX_LAG_MS": "1000", "FOR": "2s"}
    done = lab("drill", "server-killed", "--engine", "docker", HOLDFAST_PROJECT=PROJECT, SERVER_BUILD=mine, **given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS  drill server-killed: recovered as predicted" in done.stdout
