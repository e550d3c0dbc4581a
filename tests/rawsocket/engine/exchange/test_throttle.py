"""Slow clients. Each test runs with both kinds of users."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import time
from collections.abc import Generator
from typing import Any

import pytest

from rawsocket.users.steps import (
    Connect,
    Request,
    Throttle,
)
from tests.support.facades import BOTH, Facade, echo

pytestmark = [BOTH, pytest.mark.usefixtures("long_timeouts")]

Script = Generator[Any, Any, Any]


def test_slow_client_sends_so_many_bytes_a_second(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Throttle(send=1000)
        begun = time.perf_counter()
        yield Request(b"x" * 299, expect=b"x" * 299)
        return time.perf_counter() - begun

    assert facade(echo, script, send_timeout=0.25).result >= 0.2


def test_slow_client_reads_so_many_bytes_a_second(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Throttle(receive=1000)
        begun = time.perf_counter()
        yield Request(b"x" * 299, expect=b"x" * 299)
        slow = time.perf_counter() - begun
        yield Throttle()
        yield Request(b"x" * 60_000, expect=b"x" * 60_000)
        return slow

    outcome = facade(echo, script)
    assert outcome.raised is None
    assert outcome.result >= 0.2
