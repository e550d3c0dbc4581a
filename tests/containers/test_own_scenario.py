"""A scenario of a user's own, in a folder, in containers: its settings, CSV file and numbers reach the workers."""

import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from lab.engines import identity
from tests.support.lab import ROOT, environment

COPIED = ("lab", "bench", "server", "rawsocket", "compose.yaml", "Dockerfile", ".dockerignore", "requirements-*.txt")
SCENARIO = """
import os
from rawsocket import Connect, CsvRows, Due, Line, Request, ScenarioSetting, SessionUser

ScenarioSetting("topic", "news", "what to subscribe to")
ScenarioSetting("token", secret=True)
TOKEN = os.environ["TOKEN"]


class Mine(SessionUser):
    framing = Line()
    account = CsvRows("accounts.csv")

    def session(self):
        yield Connect()
        while True:
            yield Due(1)
            yield Request(TOKEN.encode(), name=f"{self.option('topic')} {self.account['name']}", expect=b"s3cret")
"""
NAMES = [f"user-{number}" for number in range(7)]


@pytest.fixture
def checkout(client: docker.DockerClient, tmp_path: Path) -> Iterator[Path]:
    """A copy of the checkout with this scenario in a folder below locustfiles/, for its owner's eyes only.

    A scenario beside it can't be compiled: that is its own affair.
    """
    for path in (path for pattern in COPIED for path in ROOT.glob(pattern)):
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, tmp_path / path.name)
    folder = tmp_path / "locustfiles/own"
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text(SCENARIO)
    (folder / "accounts.csv").write_text("\n".join(["name", *NAMES]))
    (folder / "unfinished.py").write_text("class Theirs(\n")
    (folder / "mine.py").chmod(0o600)
    (folder / "accounts.csv").chmod(0o600)
    yield tmp_path
    for name in ("server", "load"):
        client.images.remove(f"holdfast-{name}:{identity.tag(tmp_path)}", force=True)


def test_settings_rows_and_numbers_reach_the_workers(checkout: Path) -> None:
    flags = ["--users", "7", "--rate", "7", "--workers", "2", "--time", "8s", "--topic", "sport", "--max-p99-ms", "0"]
    done = subprocess.run(
        [sys.executable, "-m", "lab", "load", "--engine", "docker", "--scenario", "own/mine", *flags], cwd=checkout,
        env=environment({"TOKEN": "s3cret"}), capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    assert re.search(r"^verdict: (pass|unknown)", done.stdout + done.stderr, re.M), done.stdout + done.stderr
    files = checkout / "runs/latest"
    rows = list(csv.DictReader((files / "stats.csv").read_text().splitlines()))
    assert [row["name"] for row in rows if "user" in row["name"]] == [f"sport {name}" for name in NAMES]
    assert {row["failures"] for row in rows} == {"0"}
    assert [path.name for path in files.rglob("*") if path.is_file() and "s3cret" in path.read_text()] == []
