"""Hypothesis's settings for all tests. Only the parts with such tests import this: it takes half a second of CPU."""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = "HOLDFAST_EXAMPLES"  # of each test, in place of its own number


def examples(usual: int) -> int:
    """Return how many examples a test makes: few in `make test`, as many as are asked for elsewhere."""
    return int(os.environ.get(EXAMPLES) or usual)


# No test may fail because a machine is slow, so Hypothesis holds none to a time of its own.
# The same inputs in every run: a change is never refused for a fault that it has not brought. HOLDFAST_RANDOM=yes, and
# `make fuzz`, look for new ones.
settings.register_profile(
    "holdfast",
    deadline=None,
    max_examples=examples(100),
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("HOLDFAST_RANDOM") != "yes",
)
settings.load_profile("holdfast")
