"""CPU and memory of the user's server on their way from the engine to the master, with a stand-in for the SDK."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from lab.engines.docker.user_server import usage
from lab.engines.docker.user_server.service import LABEL
from lab.engines.native import processes
from lab.waiting import wait_for
from rawsocket.master.live import server_usage
from tests.support.fake_sdk import RUN, Client, Container

RECORD: dict[str, Any] = {
    "read": "2026-11-28T02:00:00.5Z",
    "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}},
    "memory_stats": {"usage": 30_000_000, "limit": 1 << 30, "stats": {"inactive_file": 10_000_000}},
}
TOLD = {"at": RECORD["read"], "started": "noon", "cpu_s": 2.5, "memory": 20_000_000, "memory_limit": 1 << 30}


@pytest.fixture
def client() -> Client:
    """A lab of a run, whose engine has one record of its server."""
    made = Client()
    server, master = Container("server", status="running", StartedAt="noon"), Container("master", status="running")
    server.labels[LABEL] = "yes"
    server.id = "1"
    made.all = [server, master]
    made.api = _Api([RECORD, {"read": "later"}])
    return made


class _Api:
    def __init__(self, records: list[dict[str, Any]]) -> None:
        self.records = records
        self.gone: list[Container] = []

    def stats(self, name: str, **_: Any) -> Iterator[dict[str, Any]]:
        for record in self.records:
            if record is self.records[-1]:
                for container in self.gone:
                    container.status = "removed"
            yield record


def test_what_the_master_is_told() -> None:
    assert usage.usage(RECORD, "noon") == TOLD
    assert server_usage.Usage(**TOLD).memory == 20_000_000  # the form that the master reads


def test_groups_of_version_1() -> None:
    memory = {"usage": 30, "stats": {"total_inactive_file": 12}}
    told = usage.usage({**RECORD, "memory_stats": memory}, "noon")
    assert told
    assert (told["memory"], told["memory_limit"]) == (18, 0)


@pytest.mark.parametrize(
    "record",
    [{}, {**RECORD, "memory_stats": {}}, {**RECORD, "cpu_stats": {"cpu_usage": {"total_usage": 0}}}],
)
def test_record_of_a_container_that_does_not_run(record: dict[str, Any]) -> None:
    assert usage.usage(record, "noon") is None


def test_file_has_the_name_that_the_master_reads() -> None:
    assert usage.NAME == server_usage.NAME


def test_records_reach_the_master_until_the_containers_are_gone(client: Client) -> None:
    client.api.gone = client.all
    usage.relay(client, RUN, threading.Event())  # type: ignore[arg-type]
    assert json.loads(client.all[1].files["runs/server-usage.json"]) == TOLD


def test_server_of_the_labs_own_is_left_alone(client: Client) -> None:
    del client.all[0].labels[LABEL]
    usage.relay(client, RUN, threading.Event())  # type: ignore[arg-type]
    assert client.all[1].files == {}


def test_engine_that_fails_is_asked_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "AGAIN_S", 0.0)
    client.api.gone = client.all
    answers = [docker.errors.APIError("busy"), None]
    real = Client.list

    def fails_once(self: Client, **more: Any) -> Any:
        if error := answers.pop(0) if answers else None:
            raise error
        return real(self, **more)

    monkeypatch.setattr(Client, "list", fails_once)
    usage.relay(client, RUN, threading.Event())  # type: ignore[arg-type]
    assert "runs/server-usage.json" in client.all[1].files


def test_thread_ends_when_it_is_stopped(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "AGAIN_S", 0.01)
    monkeypatch.setattr(usage, "connect", lambda: client)
    before = set(threading.enumerate())
    relay = usage.Relay(RUN)
    wait_for("a record", lambda: "runs/server-usage.json" in client.all[1].files, 30)
    relay.stop()
    wait_for("its end", lambda: set(threading.enumerate()) <= before, 30)


def test_process_of_up_takes_the_place_of_an_earlier_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    did: list[Any] = []
    process = processes.Process("server-usage", 1, 0, "", 15)

    def start(name: str, command: list[str], environ: Any, logs: Path, stop: int) -> processes.Process:
        did.append(command[1:])
        return process

    monkeypatch.setattr(processes, "start", start)
    monkeypatch.setattr(processes, "stop", did.append)
    monkeypatch.setattr(processes, "load", lambda file: [process] if file.exists() else [])
    usage.leave_behind("mine", tmp_path)
    usage.leave_behind("mine", tmp_path)
    command = ["-P", "-m", "lab.engines.docker.user_server.usage", "mine"]
    assert did == [[], command, [process], command]
