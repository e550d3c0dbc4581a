"""The numbers of the users of this process: a user that starts waits for its number, one that ended gives it back.

Strategy: Locust starts users in batches, so the numbers of a batch are asked for in one message, and those of the users
that ended go back in the same way. The master decides (number_allocator.py). A process without a master has a pool of
its own. A number that comes when nobody waits for it any more goes back at once.
"""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Protocol

from rawsocket.identity.pool import Pool

Send = Callable[[int, int, list[int]], None]  # the run, how many numbers are wanted, which ones come back
Soon = Callable[[Callable[[], None]], object]  # calls a function a moment later


class Newcomer(Protocol):
    """A user that starts when it has its number."""

    def start_as(self, number: int) -> None:
        """Start with this number."""


class Numbers:
    """See the module. Until `connect`, numbers come at once from a pool of this process, without a limit."""

    def __init__(self) -> None:
        self.run = 0
        self._pool = Pool()
        self._waiting: dict[Newcomer, None] = {}  # a set in order
        self._asked = 0  # numbers that have not come yet
        self._back: list[int] = []
        self._due = False  # whether `_tell` will be called
        self._send: Send = self._deal_to_self
        self._soon: Soon = _at_once

    def connect(self, send: Send, soon: Soon | None = None) -> None:
        """Ask for numbers with `send`, which may answer before it returns; `soon` collects what one message tells."""
        self._send = send
        self._soon = soon or _at_once

    def begin_run(self) -> None:
        """Start a new run: its users begin with no numbers."""
        self.run += 1
        self._pool = Pool()
        self._waiting, self._asked, self._back = {}, 0, []

    def add(self, newcomer: Newcomer) -> None:
        """Call its `start_as` when there is a number for it; that may be at once."""
        self._waiting[newcomer] = None
        self._tell_soon()

    def leave(self, newcomer: Newcomer, number: int | None) -> None:
        """Take back the number of a user that has ended; None if it has not got one."""
        if number is None:
            self._waiting.pop(newcomer, None)
            return
        self._back.append(number)
        self._tell_soon()

    def receive(self, run: int, numbers: Sequence[int]) -> None:
        """Give numbers that have come to the users that wait; those of an earlier run don't count."""
        if run != self.run:
            return
        self._asked -= len(numbers)
        newcomers = list(islice(self._waiting, len(numbers)))
        for newcomer in newcomers:
            del self._waiting[newcomer]
        if not self._waiting:
            self._waiting = {}  # a dict that was large stays large
        for newcomer, number in zip(newcomers, numbers, strict=False):
            newcomer.start_as(number)
        self._back += numbers[len(newcomers) :]
        if self._back:
            self._tell_soon()

    def _tell_soon(self) -> None:
        if not self._due:
            self._due = True
            self._soon(self._tell)

    def _tell(self) -> None:
        self._due = False
        wanted = max(0, len(self._waiting) - self._asked)
        back, self._back = self._back, []
        if wanted or back:
            self._asked += wanted
            self._send(self.run, wanted, back)

    def _deal_to_self(self, run: int, wanted: int, back: list[int]) -> None:
        self._pool.give_back("", back)
        self._pool.want("", wanted)
        for numbers in self._pool.deal(("",), 1 << 62).values():
            self.receive(run, numbers)


def _at_once(function: Callable[[], None]) -> None:
    function()


NUMBERS = Numbers()  # of this process
