"""`make up` with another server than the default: a thread per connection, and select in three processes."""

import io
import json
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.containers.conftest import PROJECT
from tests.support.lab import Page

USERS = 1500  # more than select can watch in one process
PROCESSES = 3
METRICS = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8687/metrics', timeout=9).read().decode())"


def _stopped(page: Page) -> dict[str, object]:
    page.post("/stop")
    return page.wait(lambda state: state["held"] == 0 and not state["users"] and state["verdict"])


def _container(service: str, client: docker.DockerClient) -> Any:
    labels = [f"com.docker.compose.project={PROJECT}", f"com.docker.compose.service={service}"]
    (container,) = client.containers.list(filters={"label": labels})
    return container


def _in(service: str, client: docker.DockerClient, *command: str) -> str:
    code, output = _container(service, client).exec_run(list(command))
    assert code == 0, output
    return str(output.decode())


def _file(service: str, client: docker.DockerClient, path: str) -> bytes:
    """A file of a container. The output of a command may lack its beginning on a busy machine."""
    chunks, _ = _container(service, client).get_archive(path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        found = archive.extractfile(Path(path).name)
        assert found is not None
        return found.read()


def test_page_shows_the_counters_of_a_threaded_server(bring_up: Callable[..., Page]) -> None:
    page = bring_up(MODEL="threaded", WORKERS="1")
    page.wait(lambda state: sum(not worker["lost"] for worker in state["workers"]) == 1, timeout=120)
    assert page.swarm(100, 100, every="0.5")["success"]
    state = page.wait(
        lambda state: state["held"] == state["server_held"] == 100 and (state["server"]["messages_s"] or 0) > 50
    )
    assert (state["server"]["model"], state["server_processes"]) == ("threaded", [])
    assert state["server"]["cpu_share"] > 0
    assert _stopped(page)["verdict"]["verdict"] in ("pass", "unknown")  # no steady window in so short a time


@pytest.fixture(scope="module")
def shared(bring_up: Callable[..., Page]) -> Iterator[Page]:
    """All connections that three processes may hold are held."""
    page = bring_up(PROCESSES=str(PROCESSES), MAX_CONNECTIONS=str(USERS))
    page.wait(lambda state: sum(not worker["lost"] for worker in state["workers"]) == 2, timeout=120)
    assert page.swarm(USERS, 800, every="2")["success"]
    page.wait(lambda state: state["held"] == state["server_held"] == USERS, timeout=120)
    yield page
    _stopped(page)


def test_three_processes_share_the_connections(shared: Page) -> None:
    each = [{"process": number, "held": USERS // PROCESSES} for number in range(PROCESSES)]
    server = shared.wait(lambda state: state["server"] and state["server_processes"] == each)["server"]
    assert (server["processes"], server["processes_wanted"], server["respawns"]) == (PROCESSES, PROCESSES, 0)
    assert server["max_connections"] == USERS


def test_killed_process_loses_only_its_connections_and_clients_reconnect(
    client: docker.DockerClient, shared: Page
) -> None:
    lost = USERS // PROCESSES
    pid = re.search(
        r'^holdfast_server_process_pid{process="1"} (\d+)', _in("server", client, "python", "-c", METRICS), re.M
    )
    assert pid
    _in("server", client, "python", "-c", f"import os; os.kill({pid[1]}, 9)")
    # Counted first: the gauges of a second ago still show the connections from before.
    shared.wait(lambda _: shared.metric("holdfast_load_reconnects_total") >= lost, timeout=120)
    state = shared.wait(
        lambda state: state["held"] == state["server_held"] == USERS and state["server"]["respawns"] == 1, timeout=120
    )
    assert sum(process["held"] for process in state["server_processes"]) == USERS
    assert len(state["server_processes"]) == PROCESSES
    assert shared.metric("holdfast_load_drops_total") == lost
    found = re.search(
        r'^holdfast_server_closed_total{reason="lost"} (\S+)', _in("server", client, "python", "-c", METRICS), re.M
    )
    assert found
    assert float(found[1]) == lost


def test_ledger_is_reconciled_after_a_killed_process(client: docker.DockerClient, shared: Page) -> None:
    """What fails it is the drops, by MAX_FAILURES: nothing is unexplained, and nothing is in doubt."""
    _stopped(shared)
    verdict = json.loads(_file("master", client, "/runs/latest/verdict.json"))
    assert (verdict["ledger"]["reconciled"], verdict["ledger"]["unknown"]) == (True, [])
    assert not [reason for reason in verdict["reasons"] if "ledger" in reason or "server" in reason]
