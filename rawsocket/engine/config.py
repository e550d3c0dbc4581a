"""What all connections of one user class share in a run: target, framing, timeouts, and where they are counted."""

from rawsocket.engine.accounting import Accounting, Events
from rawsocket.engine.engine import Engine
from rawsocket.engine.tls.configuration import Tls
from rawsocket.measurement.recorder import Recorder
from rawsocket.measurement.stats_rows import Rows
from rawsocket.target import Target
from rawsocket.wire.framing import Framing
from rawsocket.wire.receive_buffer import ERROR_LINE


class ConnectionConfig:
    """Timeouts are seconds.

    `accepts_pushes`: unsolicited messages are kept for receive() and are not failures. `sorts_pushes`,
    `gathers_pushes`, `answers_pushes`, `matches_by_key`: which of the owner's handlers count: `is_push`, `push_until`,
    `on_push`, and the two for keys.
    """

    __slots__ = (
        "accepts_pushes",
        "accounting",
        "answers_pushes",
        "connect_timeout",
        "connector",
        "deadlines",
        "encode",
        "events",
        "framing",
        "gathers_pushes",
        "matches_by_key",
        "needs_exchange",
        "reactor",
        "recorder",
        "reply_timeout",
        "rows",
        "send_timeout",
        "sorts_pushes",
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
        sorts_pushes: bool = False,
        answers_pushes: bool = False,
        gathers_pushes: bool = False,
        matches_by_key: bool = False,
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
        self.sorts_pushes = sorts_pushes
        self.answers_pushes = answers_pushes
        self.gathers_pushes = gathers_pushes
        self.matches_by_key = matches_by_key
        if matches_by_key and not framing.delimits:
            raise ValueError(f"replies can't be matched by key with {framing}: it doesn't mark where a message ends")
        # Whether everything goes through an Exchange, from the first byte to the end of the connection.
        self.needs_exchange = not framing.symmetric or getattr(framing.decoder(), "stateful", True)
        engine.deadlines.recorders.add(recorder)
        engine.deadlines.at_least(min(connect_timeout, send_timeout, reply_timeout))

    def only_message(self, data: bytes) -> bytes | None:
        """Return the message that a read brought, if it is one, the only one and complete, and no error line.

        Only for a framing whose decoder keeps nothing but unfinished frames.
        """
        if not self.framing.delimits or data.startswith(ERROR_LINE):
            return None
        decoder = self.framing.decoder()
        try:
            messages = decoder.feed(data)
        except Exception:  # it is raised again where it can be reported
            return None
        if len(messages) != 1 or decoder.pending or messages[0].startswith(ERROR_LINE):
            return None
        return messages[0]


def check_timeout(seconds: float) -> None:
    """Raise ValueError if a timeout is not a number of seconds above 0."""
    if not isinstance(seconds, int | float) or not seconds > 0:
        raise ValueError(f"timeout={seconds!r}: must be a number of seconds above 0")
