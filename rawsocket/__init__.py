"""The load library: raw TCP users for Locust that hold their connections.

`from rawsocket import RawSocketUser` in any locustfile is enough: the lab's flags, tab, gauge and
verdict come with it. The names are imported when they are first used, so that the pure files
(framing, payload, verdict, errors, target) can be imported where Locust is not installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rawsocket.client import RawSocketClient
    from rawsocket.errors import RawSocketError
    from rawsocket.framing import Chunk, Delimiter, Fixed, Framing, LengthPrefixed, Line
    from rawsocket.user import LabUser, RawSocketUser

_HOMES = {
    "Chunk": "framing",
    "Delimiter": "framing",
    "Fixed": "framing",
    "Framing": "framing",
    "LabUser": "user",
    "LengthPrefixed": "framing",
    "Line": "framing",
    "RawSocketClient": "client",
    "RawSocketError": "errors",
    "RawSocketUser": "user",
}

__all__ = [
    "Chunk",
    "Delimiter",
    "Fixed",
    "Framing",
    "LabUser",
    "LengthPrefixed",
    "Line",
    "RawSocketClient",
    "RawSocketError",
    "RawSocketUser",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
