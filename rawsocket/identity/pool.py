"""Pure: the numbers of a run's users, and which worker holds which.

The lowest free number is given first. So while a run has `limit` users, they have the numbers 0 to `limit` - 1.
"""

import heapq
from collections.abc import Collection, Iterable


class Pool:
    """The numbers of one run. Numbers that were never given out start at `_fresh`; `_returned` is a heap."""

    def __init__(self) -> None:
        self._fresh = 0
        self._returned: list[int] = []
        self._held: dict[str, set[int]] = {}
        self._wanted: dict[str, int] = {}  # in the order in which the workers asked

    def want(self, worker: str, count: int) -> None:
        """Note that a worker wants `count` more numbers."""
        if count > 0:
            self._wanted[worker] = self._wanted.get(worker, 0) + count

    def give_back(self, worker: str, numbers: Iterable[int]) -> None:
        """Take numbers back; those that the worker doesn't hold (any more) are ignored."""
        held = self._held.get(worker, set())
        for number in numbers:
            if number in held:
                held.remove(number)
                heapq.heappush(self._returned, number)

    def drop(self, worker: str) -> None:
        """Take back all numbers of a worker."""
        self.give_back(worker, list(self._held.get(worker, ())))
        self._held.pop(worker, None)

    def forget(self, worker: str) -> None:
        """Take back all numbers of a worker, and what it wants."""
        self.drop(worker)
        self._wanted.pop(worker, None)

    def drop_others(self, live: Collection[str]) -> None:
        """Take back all numbers of the workers that are not live; what they want stays, for when they come back."""
        for worker in [name for name in self._held if name not in live]:
            self.drop(worker)

    def deal(self, live: Collection[str], limit: int) -> dict[str, list[int]]:
        """Give live workers the numbers that they want, as far as there are free ones below `limit`."""
        dealt = {}
        for worker in [name for name in self._wanted if name in live]:
            if numbers := self._take(self._wanted[worker], limit):
                dealt[worker] = numbers
                self._held.setdefault(worker, set()).update(numbers)
                self._wanted[worker] -= len(numbers)
            if not self._wanted[worker]:
                del self._wanted[worker]
        return dealt

    def _take(self, count: int, limit: int) -> list[int]:
        numbers: list[int] = []
        while len(numbers) < count and self._returned and self._returned[0] < limit:
            numbers.append(heapq.heappop(self._returned))
        fresh = min(count - len(numbers), limit - self._fresh)
        if fresh > 0:
            numbers += range(self._fresh, self._fresh + fresh)
            self._fresh += fresh
        return numbers
