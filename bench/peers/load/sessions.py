"""Ours: sessions that differ in one feature, to see what it costs. BENCH_SESSION is the one that runs:

order       a closed loop whose replies are matched by order
key         the same, replies matched by key
due         a message every BENCH_EVERY seconds, sent by the session
heartbeat   the same message as a heartbeat, beside a session that only waits
"""

import os
from typing import Any

from rawsocket import Connect, Due, Heartbeat, LabSession, Request, Session, Wait

EVERY = float(os.environ["BENCH_EVERY"])
MESSAGE = b"hello from the bench"
LONG_S = 3600.0


class ByOrder(LabSession):
    """Sends the next message when the reply to the last one is there."""

    abstract = True

    def session(self) -> Session:
        """Talk all the time."""
        yield Connect()
        while True:
            yield self.message()


class ByKey(ByOrder):
    """The same; the second part of a message is its key."""

    abstract = True

    def request_key(self, payload: bytes) -> bytes:
        """Return the key of a message: its number."""
        return payload.split(b".", 2)[1]

    def reply_key(self, message: bytes) -> bytes:
        """Return the key of a reply, which is the message itself."""
        return message.split(b".", 2)[1]


class OnTheGrid(LabSession):
    """Sends the same message every EVERY seconds."""

    abstract = True

    def session(self) -> Session:
        """Wait for the next slot, send and receive."""
        yield Connect()
        while True:
            yield Due(EVERY)
            yield Request(MESSAGE, expect=MESSAGE)


class Beating(LabSession):
    """Has heartbeats and sends nothing else."""

    abstract = True

    def session(self) -> Session:
        """Begin the heartbeats, then wait."""
        yield Connect()
        yield Heartbeat(EVERY, MESSAGE, expect=MESSAGE)
        while True:
            yield Wait(LONG_S)


SESSIONS = {"order": ByOrder, "key": ByKey, "due": OnTheGrid, "heartbeat": Beating}
CHOSEN: Any = SESSIONS[os.environ["BENCH_SESSION"]]


class Chosen(CHOSEN):  # type: ignore[misc]  # it is chosen when the program starts
    """The session that runs."""
