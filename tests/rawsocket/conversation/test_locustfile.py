import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from pathlib import Path

import pytest
from locust.util.load_locustfile import load_locustfile

from rawsocket.__main__ import CONVERSATION
from tests.support.conversations import plan, send


def test_locust_finds_the_user_class_of_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plan.json"
    path.write_text(plan(send("a", b"a")).to_json())
    monkeypatch.setenv("HOLDFAST_CONVERSATION", str(path))
    users, shapes = load_locustfile(str(CONVERSATION))
    assert [user.__name__ for user in users.values()] == ["mine"]
    assert shapes == []
