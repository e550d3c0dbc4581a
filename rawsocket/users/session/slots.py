"""The slots of a session that pass without a message: those that wait for the server, and those that are unsent."""

import time
from typing import Protocol

from rawsocket.engine.connection import Connection
from rawsocket.measurement.overdue import Waiting
from rawsocket.measurement.recorder import count
from rawsocket.users.config import SessionConfig
from rawsocket.users.session import grid

STOPPED = "stopped"  # why the slots are unsent that have passed when the user ends


class Session(grid.Grid, Protocol):
    """The runner of a session, as far as its slots need it."""

    config: SessionConfig
    connection: Connection | None
    lost_by: str | None

    @property
    def is_connected(self) -> bool:
        """Whether its connection is open."""


def waiting(session: Session, now: float) -> Waiting | None:
    """Return the messages that are due and wait for the server; None if there are none."""
    found = None if session.connection is None else session.connection.waiting_for(now)
    if found is None:
        return None
    name, owed, dues = found
    ages = [(now - due, 1) for due in dues] + _overdue(session, now)
    return Waiting(name, owed, ages) if ages else None


def leave_out(session: Session, until: float) -> None:
    """Count the slots up to `until` as unsent: there was no connection."""
    assert session.lost_by is not None
    _count_as(session, session.lost_by, grid.leave_out(session, until))
    if session.is_connected:
        session.lost_by = None


def count_unsent(session: Session) -> None:
    """Count the slots that have passed when the user ends."""
    if not session.period:
        return
    now = time.perf_counter()
    if session.lost_by is not None:
        leave_out(session, session.connection.connected_at if session.is_connected else now)  # type: ignore[union-attr]
    _count_as(session, STOPPED, grid.leave_out(session, now))
    session.period = 0.0


def _overdue(session: Session, now: float) -> list[tuple[float, int]]:
    """Return missed slots as pairs (age in seconds, count)."""
    connection = session.connection
    if not session.period or connection is None:
        return []
    if session.lost_by is None:
        return grid.ages(session, now)
    return grid.ages_since(session, connection.connected_at, now) if connection.is_open else []


def _count_as(session: Session, reason: str, passed: int) -> None:
    if passed:
        count(session.config.recorder.unsent, reason, passed)
