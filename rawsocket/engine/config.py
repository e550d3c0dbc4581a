"""What all sessions of one user class share in a run: where they connect to, how they talk, where they are counted."""

import random
from collections.abc import Callable
from typing import Any

from rawsocket.engine.deadlines import Sweeper
from rawsocket.engine.reactor import Reactor
from rawsocket.measurement.locust_stats import Batch
from rawsocket.measurement.recorder import Recorder
from rawsocket.target import Target
from rawsocket.wire.framing import Framing

SWEEPS = 20  # a timeout is told a twentieth of it late at most


class Setup:
    """Seconds for all timeouts; `accepts_pushes`: whether messages may come that nobody has asked for."""

    __slots__ = (
        "accepts_pushes",
        "connect_timeout",
        "encode",
        "framing",
        "random",
        "reactor",
        "recorder",
        "reply_timeout",
        "rows",
        "send_timeout",
        "sweeper",
        "target",
        "wish",
    )

    def __init__(
        self,
        sweeper: Sweeper,
        rows: Batch,
        target: Target,
        framing: Framing,
        *,
        connect_timeout: float,
        send_timeout: float,
        reply_timeout: float,
        accepts_pushes: bool = False,
        random: Callable[[], float] = random.random,
    ) -> None:
        for seconds in (connect_timeout, send_timeout, reply_timeout):
            if not isinstance(seconds, int | float) or not seconds > 0:
                raise ValueError(f"a timeout of {seconds!r}, where a number of seconds above 0 is needed")
        self.sweeper = sweeper
        self.reactor: Reactor = sweeper.reactor
        self.recorder: Recorder = sweeper.recorder
        self.rows = rows
        self.target = target
        self.framing = framing
        self.encode = framing.encode
        self.connect_timeout = connect_timeout
        self.send_timeout = send_timeout
        self.reply_timeout = reply_timeout
        self.accepts_pushes = accepts_pushes
        self.random = random
        self.wish: Any = None  # what the lab's flags ask of a LabSession
        sweeper.look_every(min(connect_timeout, send_timeout, reply_timeout) / SWEEPS)
