"""Sessions under a real master and real workers: the server always has as many connections as the page has users."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.locust_fleet import SOON, LocustFleet, locust_fleet
from tests.support.server_process import ServerProcess, running_server

SCENARIO = """
from locust import LoadTestShape
from rawsocket import Close, Connect, Due, LabSession, Session, Wait


class Talker(LabSession):
    weight = 3

    def session(self) -> Session:
        yield Connect()
        while True:
            yield Due(0.2)
            yield self.message()


class Silent(LabSession):
    def session(self) -> Session:
        yield Connect()
        yield Wait(3600)
"""
# Each stage lasts until the test creates a file.
SHAPE = """
from pathlib import Path
from typing import Any


class Stages(LoadTestShape):
    stages = [40, 10, 25, 0]

    def tick(self):
        users = self.stages[len(list(Path().glob("over-*")))]
        return (users, 40) if users else None
"""


@contextmanager
def running(
    folder: Path, scenario: str, workers: int = 2, **settings: Any
) -> Iterator[tuple[LocustFleet, ServerProcess]]:
    (folder / "locustfiles").mkdir()
    (folder / "locustfiles/mine.py").write_text(scenario)
    with (
        running_server("--app", "echo") as server,
        locust_fleet(folder, server, workers, cwd=folder, SCENARIO="mine", **settings) as fleet,
    ):
        fleet.wait(lambda state: len(state["workers"]) == workers)
        yield fleet, server


def settled(fleet: LocustFleet, server: ServerProcess, users: int) -> None:
    """Wait until page, workers and server agree on that number."""
    fleet.wait(
        lambda state: (
            state["users"] == state["held"] == state["server_held"] == users
            and server.metrics()["connections"] == users
        )
    )


@pytest.mark.parametrize("stop_timeout", [0, 60])
def test_connections_follow_each_change_of_the_user_count(tmp_path: Path, stop_timeout: int):
    with running(tmp_path, SCENARIO, LOCUST_STOP_TIMEOUT=stop_timeout) as (fleet, server):
        fleet.page.swarm(users=60, rate=40)
        settled(fleet, server, 60)
        fleet.page.swarm(users=20, rate=100)
        settled(fleet, server, 20)
        fleet.page.swarm(users=50, rate=100)
        settled(fleet, server, 50)
        fleet.page.post("/stop")
        settled(fleet, server, 0)
        metrics = server.metrics()
        fleet.wait(lambda state: state["verdict"])
    messages = fleet.verdict()["messages"]
    assert fleet.verdict()["connections"]["connected"] == metrics["accepted_total"] == 60 + 30
    assert messages["sent"] == metrics["messages_total"]
    assert messages["answered"] + messages["unanswered"] == messages["sent"]
    assert fleet.verdict()["connections"]["failed"] == fleet.verdict()["connections"]["dropped"] == {}


def test_connections_follow_a_load_shape(tmp_path: Path):
    with running(tmp_path, SCENARIO + SHAPE) as (fleet, server):
        fleet.page.swarm(users=1, rate=1)
        for users in (40, 10, 25, 0):
            settled(fleet, server, users)
            (tmp_path / f"over-{users}").touch()


def test_late_worker_takes_its_share_of_the_users(tmp_path: Path):
    with running(tmp_path, SCENARIO, workers=1) as (fleet, server):
        fleet.page.swarm(users=30, rate=100)
        settled(fleet, server, 30)
        fleet.add_worker()
        fleet.wait(lambda state: [worker["held"] for worker in state["workers"]] == [15, 15])
        settled(fleet, server, 30)
        fleet.page.post("/stop")
        settled(fleet, server, 0)


def test_connections_of_a_killed_worker_close(tmp_path: Path):
    with running(tmp_path, SCENARIO, lost_after_s=SOON) as (fleet, server):
        fleet.page.swarm(users=30, rate=100)
        settled(fleet, server, 30)
        fleet.workers[0].kill()
        fleet.wait(lambda state: state["held"] == 15 and server.metrics()["connections"] == 15)
        fleet.page.post("/stop")
        fleet.wait(lambda state: state["held"] == 0 and server.metrics()["connections"] == 0)
