"""The grid of a session's slots: when its messages are due. Pure.

The grid's three numbers stand in the runner of the session itself: an object of their own would cost 40 bytes for each
connection. Times are seconds of one monotonic clock. A slot that has passed belongs to the next message, which counts
as due then.
"""

from typing import Protocol

from rawsocket.engine.schedule import Random, first_slot, missed, on_grid, overdue


class Grid(Protocol):
    """Slots every `period` seconds; 0: there is no grid yet."""

    period: float
    slot: float  # the next one
    due: float  # the slot that was reached but whose message was not sent yet, 0: none


def start(grid: Grid, now: float, period: float, random: Random) -> None:
    """Start the grid at a random moment within one period from now."""
    grid.period = period
    grid.slot = first_slot(now, period, random)


def advance(grid: Grid, period: float) -> None:
    """Move on to the next slot; the one after it follows in `period` seconds."""
    grid.due = on_grid(grid.slot)
    grid.slot += period


def leave_out(grid: Grid, until: float) -> int:
    """Drop all slots up to `until`; return how many, including the due one."""
    passed = missed(grid.slot, grid.period, until)
    grid.slot += passed * grid.period
    passed += grid.due != 0
    grid.due = 0.0
    return passed


def ages(grid: Grid, now: float) -> list[tuple[float, int]]:
    """Return missed slots as pairs (age in seconds, count)."""
    passed = overdue(grid.slot, grid.period, now)
    return [(now - grid.due, 1), *passed] if grid.due else passed


def ages_since(grid: Grid, connected_at: float, now: float) -> list[tuple[float, int]]:
    """Return the same as `ages`, without the slots before `connected_at`."""
    slot = grid.slot + missed(grid.slot, grid.period, connected_at) * grid.period
    return overdue(slot, grid.period, now)
