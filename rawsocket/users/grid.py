"""The grid of a session's slots: when its messages are due. Pure.

Times are seconds of one monotonic clock. A slot that has passed belongs to the next message, which counts as due then.
"""

from rawsocket.engine.schedule import Random, first_slot, missed, on_grid, overdue


class Grid:
    """Slots every `period` seconds; `due` is the slot that has come and whose message was not sent, 0: none."""

    __slots__ = ("due", "period", "slot")

    def __init__(self, now: float, period: float, random: Random) -> None:
        self.period = period
        self.slot = first_slot(now, period, random)  # the next one
        self.due = 0.0

    def advance(self, period: float) -> None:
        """The next slot has come; the one after it follows in so many seconds."""
        self.due = on_grid(self.slot)
        self.slot += period

    def leave_out(self, until: float) -> int:
        """Drop all slots that have passed up to then; gives how many they were, the due one included."""
        passed = missed(self.slot, self.period, until)
        self.slot += passed * self.period
        passed += self.due != 0
        self.due = 0.0
        return passed

    def ages(self, now: float) -> list[tuple[float, int]]:
        """For how many seconds how many slots have passed whose message was not sent."""
        passed = overdue(self.slot, self.period, now)
        return [(now - self.due, 1), *passed] if self.due else passed

    def ages_since(self, connected_at: float, now: float) -> list[tuple[float, int]]:
        """As `ages`, without the slots that passed before there was a connection."""
        slot = self.slot + missed(self.slot, self.period, connected_at) * self.period
        return overdue(slot, self.period, now)
