"""Drills in the network of a server's container: what they predict comes true, and nothing of them is left."""

import json
import re
from typing import Any

import docker
import pytest

from lab.drills.namespace import container
from tests.support.busy_machine import retry_on_busy_machine
from tests.support.lab import ROOT, lab

LOAD = {"USERS": "100", "RATE": "100", "EVERY": "2", "TIMEOUT": "2", "MAX_P99_MS": "1000", "WORKERS": "1"}


def _drill(name: str) -> tuple[int, dict[str, Any], str]:
    done = lab("drill", name, **LOAD)
    folder = re.search(r"Artefacts: (\S+?)/ ", done.stderr)
    assert folder, done.stdout + done.stderr
    return done.returncode, json.loads((ROOT / folder[1] / "verdict.json").read_text())["drill"], done.stdout


@retry_on_busy_machine
@pytest.mark.parametrize(("name", "lost"), [("reset", 10), ("black-hole", 50)])
def test_prediction_comes_true_and_nothing_is_left(
    client: docker.DockerClient, images: None, name: str, lost: int
) -> None:
    code, drill, said = _drill(name)
    assert (code, drill["outcome"]) == (0, "recovered"), said
    assert drill["measured"]["lost"] == lost
    assert client.containers.list(all=True, filters={"ancestor": container.image()}) == []
