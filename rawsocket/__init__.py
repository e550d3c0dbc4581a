"""The load library: raw TCP users for Locust that hold their connections.

`from rawsocket import SessionUser` (or RawSocketUser) in any locustfile is enough: the lab's flags, tab, gauge and
verdict come with it. The names are imported when they are first used, so that the pure files
(framing, payload, verdict, errors, target) can be imported where Locust is not installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rawsocket.errors import RawSocketError
    from rawsocket.users.client import RawSocketClient
    from rawsocket.users.raw_socket_user import LabUser, RawSocketUser
    from rawsocket.users.runner import Session
    from rawsocket.users.session_user import LabSession, SessionUser
    from rawsocket.users.steps import Close, Connect, Due, Receive, Request, Send, Wait
    from rawsocket.wire.framing import Chunk, Delimiter, Fixed, Framing, LengthPrefixed, Line

_HOMES = {
    "Chunk": "wire.framing",
    "Close": "users.steps",
    "Connect": "users.steps",
    "Delimiter": "wire.framing",
    "Due": "users.steps",
    "Fixed": "wire.framing",
    "Framing": "wire.framing",
    "LabSession": "users.session_user",
    "LabUser": "users.raw_socket_user",
    "LengthPrefixed": "wire.framing",
    "Line": "wire.framing",
    "RawSocketClient": "users.client",
    "RawSocketError": "errors",
    "RawSocketUser": "users.raw_socket_user",
    "Receive": "users.steps",
    "Request": "users.steps",
    "Send": "users.steps",
    "Session": "users.runner",
    "SessionUser": "users.session_user",
    "Wait": "users.steps",
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
