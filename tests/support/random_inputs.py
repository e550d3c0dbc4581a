"""Hypothesis's settings for all tests. Only the parts with such tests import this: it takes half a second of CPU."""

from hypothesis import HealthCheck, settings

# No test may fail because a machine is slow, so Hypothesis holds none to a time of its own.
settings.register_profile("holdfast", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("holdfast")
