"""One small file for each concurrency model, behind the interface in `base`; `tests/server/models/test_contract.py`
holds every model to what it promises.

A new model is a file here and a line in this table. It is imported when it is used: what one model needs (asyncio,
say) is no burden for another.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.models.base import Model

#: The name of each model, which is that of its file, and its class there.
MODELS: dict[str, str] = {
    "sync": "SyncModel",
    "threaded": "ThreadedModel",
    "prefork": "PreforkModel",
    "busy": "BusyModel",
    "select": "SelectModel",
    "poll": "PollModel",
    "epoll": "EpollModel",
    "asyncio": "AsyncioModel",
    "tutorial": "TutorialModel",
}


def load(name: str) -> type[Model]:
    """Return the class of the model called `name`, one of `MODELS`."""
    model: type[Model] = getattr(import_module(f"server.models.{name}"), MODELS[name])
    return model
