"""Fixtures that the tests of the benchmarks share with those of the lab, whose command runs them."""

from tests.lab.conftest import _no_settings_of_the_caller, _signals_of_the_caller, checkout

__all__ = ["_no_settings_of_the_caller", "_signals_of_the_caller", "checkout"]
