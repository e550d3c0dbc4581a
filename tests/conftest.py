"""What all tests share: a group that lacks its engine or browser is skipped with one line, or fails in CI."""

import os

import pytest

REQUIRED = set(filter(None, os.environ.get("HOLDFAST_REQUIRE", "").split(",")))


def missing(what: str, reason: str) -> None:
    """Skip the test, or fail it where HOLDFAST_REQUIRE names `what`."""
    if what in REQUIRED:
        pytest.fail(f"HOLDFAST_REQUIRE names {what}, but {reason}")
    pytest.skip(f"{what}: {reason}")
