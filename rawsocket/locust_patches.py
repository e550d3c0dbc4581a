"""What is changed in Locust itself. Tests pin it to the one release that we name.

Costs on a worker, each a blocked hub, are taken away:

- Each `spawn` message rebuilds the whole command line parser once per option: 95 to 137 ms, once a second all through
  a ramp. The defaults don't change while the process runs, so they are remembered.
- Stopping asks `inspect.stack()` who has asked for it, for a line at debug level: 25 to 50 ms, while connections are
  still held. Locust does without the answer where asking fails.
- Python's collector looks at all young objects every 700 allocations, and at everything now and then: 25 to 50 ms at
  10,000 users. It is to look less often; arrivals.py takes the users out of its sight.

And Locust's own table keeps times below 10 ms to two digits, as it does above; whole milliseconds would show most
latencies of a server in the same room as 0.
"""

import functools
import gc

import locust.runners
import locust.stats
from locust import argument_parser

GC_THRESHOLDS = (20_000, 20, 50)


def lighten_worker() -> None:
    """Apply them all, for the life of this process."""
    if not hasattr(argument_parser.default_args_dict, "cache_info"):
        argument_parser.default_args_dict = functools.cache(argument_parser.default_args_dict)
    setattr(locust.runners, "inspect", None)  # noqa: B010 - for mypy it is no name of that module
    gc.set_threshold(*GC_THRESHOLDS)


def keep_microseconds() -> None:
    """Make Locust's statistics of this process finer below 10 ms; see "customizing response time bucketing" there."""
    locust.stats.bucket_response_time = bucket  # type: ignore[assignment]


_coarse = locust.stats.bucket_response_time


def bucket(ms: float) -> float:
    """Milliseconds to two significant digits, to 10 us below 1 ms: 0.2345 becomes 0.23, 4.56 becomes 4.6, 147 150."""
    if ms < 1:
        return round(ms, 2)
    return round(ms, 1) if ms < 10 else _coarse(ms)
