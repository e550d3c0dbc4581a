"""The load library: raw TCP users for Locust that hold their connections.

`from rawsocket import SessionUser` (or RawSocketUser) in any locustfile is enough: the lab's flags, tab, gauge and
verdict come with it. A name is imported when it is first used, so that the pure files (framing, payload, verdict,
errors, target) can be imported without Locust. Importing a user class also calls `attach()`: this is the only place
that connects the package of users with the listeners.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rawsocket.engine.tls.configuration import Tls
    from rawsocket.errors import GeneratorLimit, RawSocketError, TlsFailed
    from rawsocket.users.client import RawSocketClient
    from rawsocket.users.raw_socket_user import LabUser, RawSocketUser
    from rawsocket.users.session_runner import Session
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
    "GeneratorLimit": "errors",
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
    "Session": "users.session_runner",
    "SessionUser": "users.session_user",
    "Tls": "engine.tls.configuration",
    "TlsFailed": "errors",
    "Wait": "users.steps",
}

_USERS = ("LabSession", "LabUser", "RawSocketUser", "SessionUser")

__all__ = [
    "Chunk",
    "Close",
    "Connect",
    "Delimiter",
    "Due",
    "Fixed",
    "Framing",
    "GeneratorLimit",
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
    "Tls",
    "TlsFailed",
    "Wait",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{home}"), name)
    if name in _USERS:
        import_module(f"{__name__}.attach").attach()
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
