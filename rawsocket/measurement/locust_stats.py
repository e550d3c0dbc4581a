"""Users report to Locust's statistics in batches: firing `events.request` for each would cost 7 us a message.

Strategy: the rows of users keep the figures that Locust's statistics don't have yet, and before each report they are
added there through `StatsEntry.extend`. Locust's table gets the time from due; a failure, and a success that has no
time, count there as a request without a time. Rules:

- A wait (see stats_rows.py) is shown in its row, and left out of Locust's sum of all rows: the push that ended it
  counts in the row of pushes. A figure of the scenario's own (custom_figures.py) is shown in its row, and is not in
  that sum.
- If `events.request` has a listener besides Locust's own table, the event is fired for each message: the listener and
  Locust's table get every message, and nothing is batched.
- The event is fired from a greenlet, because a listener may block and the reactor may not.
"""

import time
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any, cast

import gevent
import locust.stats
from gevent.event import Event
from locust.env import Environment
from locust.event import EventHook
from locust.stats import RequestStats, StatsEntry, StatsError

from rawsocket.background import TASKS
from rawsocket.errors import RawSocketError
from rawsocket.measurement.recorder import RECORDER, Recorder
from rawsocket.measurement.stats_rows import ONE_TIME, TYPE, ConnectRow, Row, Rows

LOCUSTS_TABLE = ("locust.runners", "Runner.__init__.<locals>.on_request")
SLICE = 64  # events fired before other greenlets run
# Each entry refers to statistics, and statistics of its own would refer back: a cycle for each row and second, which
# only the garbage collector frees, and that hardly ever runs in a worker.
NO_STATISTICS = RequestStats(use_response_times_cache=False)

Told = tuple[Any, str, float | None, int, RawSocketError | None]


class BatchRow(Row):
    """A row that also keeps figures not yet passed to Locust, and totals at the last flush (`told_...`)."""

    __slots__ = (
        "told_again",
        "told_again_bytes",
        "told_bytes",
        "told_failures",
        "told_successes",
        "untold",
        "untold_waits",
    )

    def __init__(self) -> None:
        super().__init__()
        self.untold: Counter[int] = Counter()
        self.untold_waits: Counter[int] = Counter()
        self.told_successes = 0
        self.told_failures: dict[str, int] = {}
        self.told_bytes = 0
        self.told_again = self.told_again_bytes = 0

    def _of_due(self) -> tuple[Counter[int], ...]:
        return self.due, self.untold

    def _of_wait(self) -> tuple[Counter[int], ...]:
        return self.wait, self.untold_waits

    def skip(self) -> None:
        """Mark everything as passed on."""
        self.bin_times()
        self.untold, self.untold_waits = Counter(), Counter()
        self.told_successes = self.successes
        self.told_failures = dict(self.failures)
        self.told_bytes = self.bytes
        self.told_again, self.told_again_bytes = self.again, self.again_bytes


class ConnectBatchRow(ConnectRow, BatchRow):
    """The same for connect attempts: only one time each."""

    __slots__ = ()


class Batch(Rows):
    """The rows of all users, one of the recorder's groups. `listener` is set if Locust's event has another one."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.listener: EventForwarder | None = None
        recorder.groups.append(self)

    def __missing__(self, name: str) -> BatchRow:
        row = self[name] = ConnectBatchRow() if name in ONE_TIME else BatchRow()
        return row

    def _batch_rows(self) -> Iterator[tuple[str, BatchRow]]:
        return cast(Iterator[tuple[str, BatchRow]], iter(self.items()))

    def flush(self, environment: Environment) -> None:
        """Add new figures to Locust's statistics, unless the forwarder does that."""
        for name, row in self._batch_rows():
            if self.listener is None:
                _extend(environment.stats, name, row)
            row.skip()
        self.look(environment)

    def look(self, environment: Environment) -> None:
        """Check whether `events.request` has another listener now."""
        hook = environment.events.request
        if not foreign(hook):
            self.listener = None
        elif self.listener is None or self.listener.hook is not hook:
            self.listener = EventForwarder(hook)


class EventForwarder:
    """Fires an event for each message, from a greenlet of its own."""

    def __init__(self, hook: EventHook) -> None:
        self.hook = hook
        self._queue: deque[Told] = deque()
        self._there = Event()
        TASKS.start("listeners on events.request", self._run)

    def event(self, owner: Any, row: str, seconds: float | None, length: int, failure: RawSocketError | None) -> None:
        """Fire the event soon; `seconds` since it was due, None if it has no time."""
        self._queue.append((owner, row, seconds, length, failure))
        self._there.set()

    def _run(self) -> None:
        while True:
            self._there.wait()
            self._there.clear()
            while self._queue:
                for _ in range(min(SLICE, len(self._queue))):
                    self._fire(*self._queue.popleft())
                gevent.sleep(0)

    def _fire(self, owner: Any, row: str, seconds: float | None, length: int, failure: RawSocketError | None) -> None:
        self.hook.fire(
            request_type=TYPE,
            name=row,
            response_time=None if seconds is None else max(0.0, seconds * 1000),
            response_length=length,
            exception=failure,
            context=owner.context(),
        )


def foreign(hook: EventHook) -> bool:
    """Return whether the hook has a listener besides Locust's own table."""
    return any((one.__module__, getattr(one, "__qualname__", "")) != LOCUSTS_TABLE for one in hook._handlers)


def _extend(stats: RequestStats, name: str, row: BatchRow) -> None:
    row.bin_times()
    failures = {key: count - row.told_failures.get(key, 0) for key, count in row.failures.items()}
    failed, succeeded = sum(failures.values()), row.successes - row.told_successes
    if not failed and not succeeded:
        return
    size = row.bytes - row.told_bytes
    if row.type == TYPE:
        once, once_size = succeeded - row.again + row.told_again, size - row.again_bytes + row.told_again_bytes
        stats.total.extend(_entry(name, once, failed, once_size, row.untold))
    own = _entry(name, succeeded, failed, size, row.untold + row.untold_waits)
    stats.get(name, row.type).extend(own)
    for failure, count in failures.items():
        if count:
            _put_error(stats, name, row.type, failure, count)


def _entry(name: str, succeeded: int, failed: int, size: int, times: Counter[int]) -> StatsEntry:
    """Return new events as Locust's entry; `times` are those of successes that have one."""
    now = time.time()
    entry = StatsEntry(NO_STATISTICS, name, TYPE)
    entry.num_requests = succeeded + failed
    entry.num_none_requests = entry.num_requests - times.total()
    entry.num_failures = failed
    entry.last_request_timestamp = now
    entry.total_content_length = size
    entry.num_reqs_per_sec = {int(now): succeeded + failed}
    entry.num_fail_per_sec = {int(now): failed} if failed else {}
    if times:
        _put_times(entry, times)
    return entry


def _put_times(entry: StatsEntry, times: Counter[int]) -> None:
    buckets: Counter[int] = Counter()
    for us, count in times.items():
        buckets[locust.stats.bucket_response_time(us / 1000)] += count
    entry.response_times = dict(buckets)
    # Locust's type is int, but floats work: `events.request` passes floats as well.
    entry.total_response_time = cast(int, sum(us * count for us, count in times.items()) / 1000)
    entry.min_response_time = cast(int, min(times) / 1000)
    entry.max_response_time = cast(int, max(times) / 1000)


def _put_error(stats: RequestStats, name: str, kind: str, failure: str, count: int) -> None:
    key = StatsError.create_key(kind, name, failure)
    error = stats.errors.get(key)
    if error is None:
        error = stats.errors[key] = StatsError(kind, name, failure)
    error.occurrences += count - 1
    error.occurred()


# The process's own, as RECORDER is.
BATCH = Batch(RECORDER)
