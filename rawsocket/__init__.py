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
    from rawsocket.errors import (
        Closed,
        ConnectTimeout,
        GeneratorLimit,
        RawSocketError,
        Refused,
        ReplyTimeout,
        Reset,
        SendTimeout,
        ServerFull,
        Short,
        TlsFailed,
        TooLong,
        Wrong,
    )
    from rawsocket.identity.csv_rows import CsvRows
    from rawsocket.settings.declared import ScenarioSetting
    from rawsocket.shapes.shape import Soak, Spike, Steps, Wave
    from rawsocket.users.client import RawSocketClient
    from rawsocket.users.raw_socket_user import LabUser, RawSocketUser
    from rawsocket.users.session.runner import Session
    from rawsocket.users.session_user import LabSession, SessionUser
    from rawsocket.users.steps import (
        Call,
        Close,
        Connect,
        Due,
        Heartbeat,
        Receive,
        Request,
        Send,
        SendPart,
        SendRaw,
        SetFraming,
        ShutdownWrite,
        StartTls,
        Throttle,
        Wait,
    )
    from rawsocket.wire.framing import (
        Chunk,
        Delimiter,
        Fixed,
        Framing,
        Framings,
        IdleGap,
        LengthField,
        LengthInText,
        LengthPrefixed,
        Line,
        Marks,
        UntilClosed,
        UntilPattern,
        Varint,
    )

_HOMES = {
    "Answered": "users.steps",
    "Call": "users.steps",
    "Chunk": "wire.framing",
    "Close": "users.steps",
    "Closed": "errors",
    "Connect": "users.steps",
    "ConnectTimeout": "errors",
    "CsvRows": "identity.csv_rows",
    "Delimiter": "wire.framing",
    "Due": "users.steps",
    "Fixed": "wire.framing",
    "Framing": "wire.framing",
    "Framings": "wire.framing",
    "GeneratorLimit": "errors",
    "Heartbeat": "users.steps",
    "IdleGap": "wire.framing",
    "LabSession": "users.session_user",
    "LabUser": "users.raw_socket_user",
    "LengthField": "wire.framing",
    "LengthInText": "wire.framing",
    "LengthPrefixed": "wire.framing",
    "Line": "wire.framing",
    "Marks": "wire.framing",
    "RawSocketClient": "users.client",
    "RawSocketError": "errors",
    "RawSocketUser": "users.raw_socket_user",
    "Receive": "users.steps",
    "Refused": "errors",
    "ReplyTimeout": "errors",
    "Request": "users.steps",
    "Reset": "errors",
    "ScenarioSetting": "settings.declared",
    "Send": "users.steps",
    "SendPart": "users.steps",
    "SendRaw": "users.steps",
    "SendTimeout": "errors",
    "ServerFull": "errors",
    "Session": "users.session.runner",
    "SessionUser": "users.session_user",
    "SetFraming": "users.steps",
    "Short": "errors",
    "ShutdownWrite": "users.steps",
    "Soak": "shapes.shape",
    "Spike": "shapes.shape",
    "StartTls": "users.steps",
    "Steps": "shapes.shape",
    "StopHeartbeats": "users.steps",
    "Throttle": "users.steps",
    "Tls": "engine.tls.configuration",
    "TlsFailed": "errors",
    "TooLong": "errors",
    "UntilClosed": "wire.framing",
    "UntilPattern": "wire.framing",
    "Varint": "wire.framing",
    "Wait": "users.steps",
    "Wave": "shapes.shape",
    "Wrong": "errors",
}

_USERS = ("LabSession", "LabUser", "RawSocketUser", "SessionUser")

__all__ = [
    "Answered",
    "Call",
    "Chunk",
    "Close",
    "Closed",
    "Connect",
    "ConnectTimeout",
    "CsvRows",
    "Delimiter",
    "Due",
    "Fixed",
    "Framing",
    "Framings",
    "GeneratorLimit",
    "Heartbeat",
    "IdleGap",
    "LabSession",
    "LabUser",
    "LengthField",
    "LengthInText",
    "LengthPrefixed",
    "Line",
    "Marks",
    "RawSocketClient",
    "RawSocketError",
    "RawSocketUser",
    "Receive",
    "Refused",
    "ReplyTimeout",
    "Request",
    "Reset",
    "ScenarioSetting",
    "Send",
    "SendPart",
    "SendRaw",
    "SendTimeout",
    "ServerFull",
    "Session",
    "SessionUser",
    "SetFraming",
    "Short",
    "ShutdownWrite",
    "Soak",
    "Spike",
    "StartTls",
    "Steps",
    "StopHeartbeats",
    "Throttle",
    "Tls",
    "TlsFailed",
    "TooLong",
    "UntilClosed",
    "UntilPattern",
    "Varint",
    "Wait",
    "Wave",
    "Wrong",
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
