"""`make test`: every group of tests in a pytest process of its own, because importing Locust patches the process.

A group that needs an engine or a Chromium is skipped, with a line that says so, where there is none; with
HOLDFAST_REQUIRE=docker,chromium a group that would be skipped fails instead.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GROUPS = {
    "server": ["tests/server"],
    "load": ["tests/rawsocket", "tests/locustfiles"],
    "lab and meta": ["tests/lab", "tests/bench", "tests/meta"],
    "containers": ["tests/containers"],
    "browser": ["tests/browser"],
}


def main(names: list[str]) -> int:
    """Run the groups named, or all; 1 if any failed."""
    # A shell that runs this in the background has it ignore SIGINT, and all processes of the tests would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    failed = []
    for name in names or GROUPS:
        print(f"== {name}", flush=True)
        started = time.monotonic()
        done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-rs", *GROUPS[name]], cwd=ROOT, check=False)
        print(f"== {name}: exit {done.returncode}, {time.monotonic() - started:.0f} s", flush=True)
        if done.returncode:
            failed.append(name)
    print("all groups passed" if not failed else f"failed: {', '.join(failed)}", flush=True)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
