"""What both kinds of users read alike: class attributes first, and where those are None, the lab's flags."""

import os
from typing import Any, ClassVar, TypedDict

from rawsocket import options, target
from rawsocket.wire.framing import MAX_SIZE, Chunk, Framing, Line


class Wired:
    """A user that knows its target, its framing and its timeouts (seconds)."""

    __slots__ = ()

    environment: Any

    host: str | None = (target.allowed(os.environ) or target.DEFAULT).url

    # Whether each user is meant to hold a connection all the time: then MIN_HELD can be expected to be USERS.
    holds: ClassVar[bool] = True

    framing: ClassVar[Framing | None] = None
    connect_timeout: ClassVar[float | None] = None
    send_timeout: ClassVar[float | None] = None
    reply_timeout: ClassVar[float | None] = None

    def option(self, name: str) -> Any:
        """The value of one of the lab's flags in this run, for example `self.option("every")` in seconds."""
        return options.value(self.environment.parsed_options, name)

    def chosen_target(self) -> target.Target:
        """Where this user connects to."""
        return target.parse(self.environment.host or self.host or target.DEFAULT.url)

    def chosen_framing(self) -> Framing:
        """How it tells messages apart."""
        if self.framing is not None:
            return self.framing
        if self.option("framing") == "chunk":
            return Chunk()
        return Line(max(MAX_SIZE, self.option("size")))

    def chosen_timeouts(self) -> "Timeouts":
        """Seconds for a connect, a send and a reply."""
        timeout = self.option("timeout")
        return {
            "connect_timeout": self.connect_timeout or timeout,
            "send_timeout": self.send_timeout or timeout,
            "reply_timeout": self.reply_timeout or timeout,
        }


class Timeouts(TypedDict):
    """By the names that clients and sessions have for them."""

    connect_timeout: float
    send_timeout: float
    reply_timeout: float
