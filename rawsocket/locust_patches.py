"""Costs of Locust's on a worker, each a blocked hub, taken away. Tests pin them to the one release that we name.

- Each `spawn` message rebuilds the whole command line parser once per option: 95 to 137 ms, once a second all through
  a ramp. The defaults don't change while the process runs, so they are remembered.
- Stopping asks `inspect.stack()` who has asked for it, for a line at debug level: 25 to 50 ms, while connections are
  still held. Locust does without the answer where asking fails.
- Python's collector looks at all young objects every 700 allocations, and at everything now and then: 25 to 50 ms at
  10,000 users. It is to look less often; arrivals.py takes the users out of its sight.
"""

import functools
import gc

import locust.runners
from locust import argument_parser

GC_THRESHOLDS = (20_000, 20, 50)


def lighten_worker() -> None:
    """Apply them all, for the life of this process."""
    if not hasattr(argument_parser.default_args_dict, "cache_info"):
        argument_parser.default_args_dict = functools.cache(argument_parser.default_args_dict)
    setattr(locust.runners, "inspect", None)  # noqa: B010 - for mypy it is no name of that module
    gc.set_threshold(*GC_THRESHOLDS)
