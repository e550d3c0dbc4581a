"""Runs `python -m lab` as a user does, and sends requests to its page."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.support.busy_machine import TOLERANT

ROOT = Path(__file__).resolve().parent.parent.parent
# Variables that a test must not inherit from its shell.
SETTINGS = ("USERS", "RATE", "TIME", "WORKERS", "SCENARIO", "TARGET", "MODEL", "APP", "MIN_HELD", "ENGINE", "HEADLESS")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the caller's environment without the lab's settings, and with `extra`."""
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return kept | TOLERANT | dict(extra or {})


def lab(*arguments: str, timeout: float = 400, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run one verb to its end."""
    return subprocess.run(
        [sys.executable, "-m", "lab", *arguments],
        cwd=ROOT,
        env=environment(extra),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


class Page:
    """The page at `address`; sends the same requests as the page's script."""

    def __init__(self, address: str) -> None:
        self.address = address

    def state(self) -> dict[str, Any]:
        """Return /lab/state.json."""
        return json.loads(self.text("/lab/state.json"))

    def text(self, path: str) -> str:
        """Return the text at `path`."""
        with urllib.request.urlopen(self.address + path, timeout=10) as reply:
            return reply.read().decode()

    def metric(self, name: str) -> float:
        """Return one of the page's metrics, summed over its labels."""
        lines = (re.match(rf"{name}(?:{{.*}})? (\S+)$", line) for line in self.text("/metrics").splitlines())
        return sum(float(line[1]) for line in lines if line)

    def post(self, path: str, headers: Mapping[str, str] | None = None, **form: str) -> tuple[int, str]:
        """Post a form; return status and body."""
        data = urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(self.address + path, data=data, headers=dict(headers or {}))
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def swarm(self, users: int, rate: float, **form: str) -> dict[str, Any]:
        """Press Start."""
        status, body = self.post("/swarm", user_count=str(users), spawn_rate=str(rate), **form)
        assert status == 200, body
        return json.loads(body)

    def wait(self, what: Callable[[dict[str, Any]], bool], timeout: float = 60) -> dict[str, Any]:
        """Wait until `what(state)` is true; return that state, or fail with the last one.

        A page that gives no answer for a while, on a busy machine, is asked again.
        """
        deadline = time.monotonic() + timeout
        state: object = None
        while time.monotonic() < deadline:
            with suppress(TimeoutError):
                if what(state := self.state()):
                    return state
            time.sleep(0.2)
        raise AssertionError(f"still {state} after {timeout} s")
