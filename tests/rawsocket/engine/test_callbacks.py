import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import inspect
from typing import Any

import pytest

from rawsocket.engine.callbacks import Owner
from rawsocket.users.client import RawSocketClient
from rawsocket.users.session.runner import SessionRunner

CALLBACKS = [name for name in vars(Owner) if name.startswith("on_")]


@pytest.mark.parametrize("owner", [SessionRunner, RawSocketClient])
@pytest.mark.parametrize("name", [*CALLBACKS, "context"])
def test_each_owner_implements_each_callback(owner: Any, name: str):
    wanted, there = inspect.signature(getattr(Owner, name)), inspect.signature(getattr(owner, name))
    assert len(there.parameters) == len(wanted.parameters)


def test_callback_names():
    assert CALLBACKS == [
        "on_open",
        "on_not_opened",
        "on_reply",
        "on_answered",
        "on_kept",
        "on_received",
        "on_writable",
        "on_lost",
        "on_ended",
    ]
