"""The numbers of users under a real master and real workers, from one file to which all users write."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from collections.abc import Callable
from pathlib import Path

from tests.rawsocket.test_sessions_distributed import running
from tests.support.locust_fleet import SOON, LocustFleet

# Each line: process, "+" or "-", number. Appends are in one order for all processes.
SCENARIO = """
import os
from pathlib import Path
from locust import constant, task
from rawsocket import Connect, Line, RawSocketUser, SessionUser, Wait


def note(sign, number):
    with Path("numbers").open("a") as file:
        file.write(f"{os.getpid()} {sign} {number}\\n")


class Sessions(SessionUser):
    framing = Line()
    weight = 2

    def session(self):
        note("+", self.number)
        try:
            yield Connect()
            yield Wait(3600)
        finally:
            note("-", self.number)


class Tasks(RawSocketUser):
    framing = Line()
    wait_time = constant(1)

    def on_start(self):
        note("+", self.number)
        super().on_start()

    def on_stop(self):
        note("-", self.number)
        super().on_stop()

    @task
    def ping(self):
        self.client.request(b"ping", expect=b"ping")
"""


def numbers(folder: Path, lost: int = 0) -> list[int]:
    """Return the numbers held now; no number was ever held twice. `lost`: a process that was killed."""
    held: set[int] = set()
    file = folder / "numbers"
    for line in file.read_text().splitlines() if file.exists() else []:
        process, sign, number = line.split()
        if int(process) != lost:
            assert (int(number) in held) == (sign == "-"), line
            (held.add if sign == "+" else held.remove)(int(number))
    return sorted(held)


def wait_for(fleet: LocustFleet, condition: Callable[[], bool], users: int) -> None:
    fleet.wait(lambda state: state["users"] == state["held"] == users and condition())


def test_numbers_are_unique_and_dense_over_all_workers(tmp_path: Path) -> None:
    with running(tmp_path, SCENARIO, workers=3) as (fleet, _):
        all_seven = list(range(7))
        fleet.page.swarm(users=7, rate=7)
        wait_for(fleet, lambda: numbers(tmp_path) == all_seven, 7)
        fleet.page.swarm(users=3, rate=100)
        wait_for(fleet, lambda: len(numbers(tmp_path)) == 3, 3)
        fleet.page.swarm(users=7, rate=100)
        wait_for(fleet, lambda: numbers(tmp_path) == all_seven, 7)
        fleet.add_worker()  # takes some of the users
        fleet.wait(lambda state: [worker["held"] for worker in state["workers"]] == [2, 2, 2, 1])
        wait_for(fleet, lambda: numbers(tmp_path) == all_seven, 7)
        fleet.page.post("/stop")
        wait_for(fleet, lambda: numbers(tmp_path) == [], 0)
        fleet.page.swarm(users=5, rate=100)
        wait_for(fleet, lambda: numbers(tmp_path) == all_seven[:5], 5)


def test_numbers_of_a_killed_worker_go_to_the_users_that_replace_its_own(tmp_path: Path) -> None:
    with running(tmp_path, SCENARIO, lost_after_s=SOON) as (fleet, _):
        fleet.page.swarm(users=7, rate=100)
        wait_for(fleet, lambda: numbers(tmp_path) == list(range(7)), 7)
        lost = fleet.workers[0]
        lost.kill()
        fleet.wait(lambda state: state["users"] < 7)
        fleet.page.swarm(users=7, rate=100)
        wait_for(fleet, lambda: numbers(tmp_path, lost.pid) == list(range(7)), 7)
