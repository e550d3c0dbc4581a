"""What all connections of one user class share in a run: target, framing, timeouts, and where they are counted."""

from rawsocket.engine.accounting import Accounting, Events
from rawsocket.engine.process import Engine
from rawsocket.engine.tls.configuration import Tls
from rawsocket.measurement.recorder import Recorder
from rawsocket.measurement.rows import Rows
from rawsocket.target import Target
from rawsocket.wire.framing import Framing


class ConnectionConfig:
    """Timeouts are seconds. `accepts_pushes`: unsolicited messages are kept for receive() and are not failures."""

    __slots__ = (
        "accepts_pushes",
        "accounting",
        "connect_timeout",
        "connector",
        "deadlines",
        "encode",
        "events",
        "framing",
        "reactor",
        "recorder",
        "reply_timeout",
        "rows",
        "send_timeout",
        "target",
        "tls",
    )

    def __init__(
        self,
        engine: Engine,
        recorder: Recorder,
        rows: Rows,
        events: Events,
        target: Target,
        framing: Framing,
        *,
        connect_timeout: float,
        send_timeout: float,
        reply_timeout: float,
        accepts_pushes: bool = False,
        tls: Tls | None = None,
    ) -> None:
        for seconds in (connect_timeout, send_timeout, reply_timeout):
            check_timeout(seconds)
        self.reactor = engine.reactor
        self.deadlines = engine.deadlines
        self.connector = engine.connector
        self.recorder = recorder
        self.rows = rows
        self.events = events
        self.accounting = Accounting(recorder, rows, events)
        self.target = target
        self.tls = tls or Tls()
        self.framing = framing
        self.encode = framing.encode
        self.connect_timeout = connect_timeout
        self.send_timeout = send_timeout
        self.reply_timeout = reply_timeout
        self.accepts_pushes = accepts_pushes
        engine.deadlines.recorders.add(recorder)
        engine.deadlines.at_least(min(connect_timeout, send_timeout, reply_timeout))


def check_timeout(seconds: float) -> None:
    """Raise ValueError if a timeout is not a number of seconds above 0."""
    if not isinstance(seconds, int | float) or not seconds > 0:
        raise ValueError(f"timeout={seconds!r}: must be a number of seconds above 0")
