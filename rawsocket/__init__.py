"""The load library: raw TCP users for Locust that hold their connections.

`from rawsocket import SessionUser` (or RawSocketUser) in any locustfile is enough: the lab's flags, tab, gauge and
verdict come with it. The names are imported when they are first used, so that the pure files
(framing, payload, verdict, errors, target) can be imported where Locust is not installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rawsocket.client import RawSocketClient
    from rawsocket.errors import RawSocketError
    from rawsocket.framing import Chunk, Delimiter, Fixed, Framing, LengthPrefixed, Line
    from rawsocket.life import Session
    from rawsocket.session import LabSession, SessionUser
    from rawsocket.steps import Close, Connect, Due, Receive, Request, Send, Wait
    from rawsocket.user import LabUser, RawSocketUser

_HOMES = {
    "Chunk": "framing",
    "Close": "steps",
    "Connect": "steps",
    "Delimiter": "framing",
    "Due": "steps",
    "Fixed": "framing",
    "Framing": "framing",
    "LabSession": "session",
    "LabUser": "user",
    "LengthPrefixed": "framing",
    "Line": "framing",
    "RawSocketClient": "client",
    "RawSocketError": "errors",
    "RawSocketUser": "user",
    "Receive": "steps",
    "Request": "steps",
    "Send": "steps",
    "Session": "life",
    "SessionUser": "session",
    "Wait": "steps",
}

__all__ = [
    "Chunk",
    "Close",
    "Connect",
    "Delimiter",
    "Due",
    "Fixed",
    "Framing",
    "LabSession",
    "LabUser",
    "LengthPrefixed",
    "Line",
    "RawSocketClient",
    "RawSocketError",
    "RawSocketUser",
    "Receive",
    "Request",
    "Send",
    "Session",
    "SessionUser",
    "Wait",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
