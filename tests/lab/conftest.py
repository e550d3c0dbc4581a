"""Fixtures of the host side's tests: a clean environment, a copy of the checkout, a fake docker, a fake engine."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import folders, verbs
from lab.run import capacity, folder
from lab.settings import ENVIRONMENT, ROOT, SETTINGS
from tests.support.fake_docker import FakeDocker
from tests.support.fake_engine import FakeEngine, FakeNative

PARTS = ("lab", "bench", "server", "rawsocket", "locustfiles")
FOREIGN = {"HEADLESS"}


@pytest.fixture(autouse=True)
def _no_settings_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {setting.variable for setting in (*SETTINGS, *ENVIRONMENT)} | FOREIGN
    for name in os.environ:
        if name in ours or name.startswith(("SERVER_", "HOLDFAST_")):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _signals_of_the_caller() -> Iterator[None]:
    """A verb that runs in this process sets signal handlers; later processes would inherit the ignored signals."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources: `python -m lab` in it touches neither .lab/ nor runs/ of the checkout.

    What is compiled comes with them, but for files that Python is just writing.
    """
    folder = tmp_path_factory.mktemp("checkout")
    for part in PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("*.pyc.*"))
    shutil.copy(ROOT / "compose.yaml", folder)
    return folder


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """A fake docker, the only command on PATH beside a few of the system's."""
    docker = FakeDocker(tmp_path / "fake")
    monkeypatch.setenv("PATH", docker.path)
    return docker


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeEngine:
    """The engine of every verb; runs/ is a folder of the test's own."""
    made = FakeEngine()
    monkeypatch.setattr(verbs, "engine_for", lambda verb, chosen: made)
    monkeypatch.setattr(verbs, "NativeEngine", FakeNative)
    monkeypatch.setattr(capacity, "warning", lambda chosen: "")
    monkeypatch.setattr(folders, "work", lambda: tmp_path)
    monkeypatch.setattr(folders, "is_clone", lambda: True)  # the command is called as in a clone
    monkeypatch.setattr(folder.create, "__defaults__", (tmp_path / "runs",))
    return made
