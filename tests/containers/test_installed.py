"""The installed command in a user's folder: its containers are built from the wheel and from the user's scenario."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from lab.engines import identity
from tests.support import installed

SCENARIO = """
from rawsocket import Connect, Due, Line, Request, SessionUser
from words import WORD


class Mine(SessionUser):
    framing = Line()

    def session(self):
        yield Connect()
        while True:
            yield Due(1)
            yield Request(WORD, name="mine", expect=WORD)
"""


@pytest.fixture
def folder(client: docker.DockerClient, tmp_path: Path) -> Iterator[Path]:
    """A user's folder with a scenario that imports a file beside it."""
    work = tmp_path / "load tests"
    (work / "locustfiles").mkdir(parents=True)
    (work / "locustfiles/mine.py").write_text(SCENARIO)
    (work / "locustfiles/words.py").write_text('WORD = b"a word of the user"\n')
    yield work
    for name in ("server", "load"):
        client.images.remove(f"holdfast-{name}:{identity.tag(work)}", force=True)


def test_ci_from_a_users_folder(folder: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    holdfast = installed.install(installed.wheel(tmp_path_factory.mktemp("wheel")), tmp_path / "venv")
    settings = ["SCENARIO=mine", "USERS=5", "RATE=5", "WORKERS=1", "TIME=8s", "MAX_P99_MS=0"]
    done = installed.run(holdfast, folder, "ci", "ENGINE=docker", *settings)
    assert re.search(r"^verdict: (pass|unknown)", done.stdout + done.stderr, re.M), done.stdout + done.stderr
    verdict = json.loads((folder / "runs/latest/verdict.json").read_text())
    assert verdict["connections"]["connected"] == 5
    assert verdict["messages"]["answered"] > 0
    assert list((folder / ".lab").glob("*/context")) == []
