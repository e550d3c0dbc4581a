import json
from typing import Any

import pytest

from lab.engines.docker.container import ContainerPart
from lab.engines.docker.ended_containers import EndedContainers
from tests.support.fake_sdk import Container

BY_HAND = "it was killed (SIGKILL), by hand or for lack of memory"


def _told(*containers: Container) -> list[dict[str, Any]]:
    """What the master reads."""
    master = Container("master", status="running")
    ended = EndedContainers()
    ended.note(map(ContainerPart, containers))
    assert ended.is_news
    ended.tell(ContainerPart(master))
    assert not ended.is_news
    return [json.loads(line) for line in master.files["runs/lab-facts.jsonl"].splitlines()]


@pytest.mark.parametrize(
    ("container", "part", "name", "text", "log"),
    [
        (Container("worker", number=2, ExitCode=137), "worker-2", "ended", BY_HAND, ""),
        (
            Container("worker", number=2, ExitCode=137, OOMKilled=True),
            "worker-2",
            "out-of-memory",
            "a worker was killed for lack of memory",
            "",
        ),
        (
            Container("server", ExitCode=137, OOMKilled=True),
            "server",
            "out-of-memory",
            "the server was killed for lack of memory",
            "",
        ),
        (Container("server", ExitCode=3), "server", "ended", "it ended with exit code 3", "server says hello"),
    ],
)
def test_fact_of_a_container(container: Container, part: str, name: str, text: str, log: str) -> None:
    assert _told(container) == [{"part": part, "name": name, "text": text, "log": log}]


def test_file_has_all_facts_each_time() -> None:
    master = ContainerPart(container := Container("master", status="running"))
    ended = EndedContainers()
    for parts in (
        [Container("server", ExitCode=1)],
        [Container("server", ExitCode=1), Container("worker", ExitCode=1)],
    ):
        ended.note(map(ContainerPart, parts))
        ended.tell(master)
    lines = container.files["runs/lab-facts.jsonl"].splitlines()
    assert [json.loads(line)["part"] for line in lines] == ["server", "worker-1"]


@pytest.mark.parametrize(
    "container",
    [
        Container("worker", status="running"),
        Container("worker", ExitCode=0),
        Container("master", ExitCode=137, OOMKilled=True),
    ],
)
def test_no_fact_of_a_container_that_runs_or_was_asked_to_end_or_of_the_master(container: Container) -> None:
    ended = EndedContainers()
    ended.note([ContainerPart(container)])
    assert not ended.is_news


def test_server_of_the_users_own_may_end_with_0_by_itself() -> None:
    ended = EndedContainers()
    ended.note([ContainerPart(Container("server", ExitCode=0)), ContainerPart(Container("worker", ExitCode=0))])
    assert not ended.is_news
    ended.note([ContainerPart(Container("server", ExitCode=0))], user_server=True)
    assert ended.is_news
