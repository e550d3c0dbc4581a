"""The grid of a session's slots: when its messages are due. Pure.

Times are seconds of one monotonic clock. A slot that has passed belongs to the next message, which counts as due then.
"""

from rawsocket.engine.schedule import Random, first_slot, missed, on_grid, overdue


class Grid:
    """Slots every `period` seconds; `due` is the slot that was reached but whose message was not sent yet, 0: none."""

    __slots__ = ("due", "period", "slot")

    def __init__(self, now: float, period: float, random: Random) -> None:
        self.period = period
        self.slot = first_slot(now, period, random)  # the next one
        self.due = 0.0

    def advance(self, period: float) -> None:
        """Move on to the next slot; the one after it follows in `period` seconds."""
        self.due = on_grid(self.slot)
        self.slot += period

    def leave_out(self, until: float) -> int:
        """Drop all slots up to `until`; return how many, including the due one."""
        passed = missed(self.slot, self.period, until)
        self.slot += passed * self.period
        passed += self.due != 0
        self.due = 0.0
        return passed

    def ages(self, now: float) -> list[tuple[float, int]]:
        """Return missed slots as pairs (age in seconds, count)."""
        passed = overdue(self.slot, self.period, now)
        return [(now - self.due, 1), *passed] if self.due else passed

    def ages_since(self, connected_at: float, now: float) -> list[tuple[float, int]]:
        """Return the same as `ages`, without the slots before `connected_at`."""
        slot = self.slot + missed(self.slot, self.period, connected_at) * self.period
        return overdue(slot, self.period, now)
