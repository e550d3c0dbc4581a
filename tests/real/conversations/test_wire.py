"""The bytes that each conversation sends are those that are written in it, and what its framing adds.

The session in Python that `lab eject` makes of it sends the same.
"""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import re
from pathlib import Path
from typing import Any

import pytest

from lab.settings import ROOT
from rawsocket.measurement.recorder import RECORDER
from tests.real.conversations.dialogues import DIALOGUES
from tests.real.conversations.play import session_of, user_of
from tests.real.conversations.scripted import server_of
from tests.real.small_servers import running
from tests.support.local_run import LONG, Run, wait_until


def test_each_conversation_has_a_dialogue() -> None:
    assert sorted(DIALOGUES) == sorted(path.stem for path in (ROOT / "conversations").glob("*.yaml"))


@pytest.mark.parametrize("name", sorted(DIALOGUES))
def test_first_round_of_a_conversation_byte_for_byte(name: str) -> None:
    _demand(name, user_of(name, rounds=1, heartbeat=None))


@pytest.mark.parametrize("name", sorted(DIALOGUES))
def test_first_round_of_its_session_in_python_byte_for_byte(name: str, tmp_path: Path) -> None:
    _demand(name, session_of(name, tmp_path, rounds=1, heartbeat=None))


def _demand(name: str, user: type[Any]) -> None:
    """Play the first round of a user with a server of the dialogue, and compare the bytes."""
    handler = server_of(DIALOGUES[name])
    RECORDER.begin_run()
    with running(handler) as server:
        run = Run(user, server.target, 1, every=0.05, stop_timeout=LONG / 3)
        try:
            wait_until(lambda: run.errors or RECORDER.failures or handler.heard is not None)
            assert (RECORDER.failures, RECORDER.examples) == (0, {})
        finally:
            run.stop()
    assert run.errors == []
    assert handler.heard is not None
    *heard, rest = handler.heard
    assert rest == b""
    assert len(heard) == len(DIALOGUES[name])
    assert all(re.fullmatch(pattern, said) for (pattern, _), said in zip(DIALOGUES[name], heard, strict=True))
