"""What all tests share: a group that lacks its engine, browser or server is skipped with one line, or fails in CI.

A shell that starts pytest in the background has it ignore SIGINT. All processes of the tests would inherit that, and
those that a test ends by SIGINT would never end.
"""

import os
import signal

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REQUIRED = set(filter(None, os.environ.get("HOLDFAST_REQUIRE", "").split(",")))


def missing(what: str, reason: str) -> None:
    """Skip the test, or fail it where HOLDFAST_REQUIRE names `what`."""
    if what in REQUIRED:
        pytest.fail(f"HOLDFAST_REQUIRE names {what}, but {reason}")
    pytest.skip(f"{what}: {reason}")
