"""The lease of a fault: a small process of its own heals what a killed lab leaves behind.

The watchdog (`python -m lab.drills.lease`) has one end of a pipe. It undoes the fault when the other end closes without
a word, because the lab has ended however that happened, or when the lease is over. If the lab has healed the fault
itself it says so, and the watchdog ends.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

from lab import folders, procfs

#: `Part.thaw_by_others()` gives those of a frozen process or a paused container.
Undo = Mapping[str, object]
HEALED = b"healed\n"


def command(*argv: str) -> Undo:
    """Return an undo that is a command; it must do no harm where there is nothing to undo."""
    return {"kind": "command", "argv": list(argv)}


@contextlib.contextmanager
def lease(undo: Sequence[Undo], seconds: float) -> Iterator[None]:
    """Have `undo` done by another process if this one ends inside the block, or stays in it for longer."""
    environ = {**os.environ, "PYTHONPATH": folders.python_path()}
    watchdog = subprocess.Popen(
        [sys.executable, "-P", "-m", "lab.drills.lease", json.dumps(list(undo)), str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,  # nothing is left to be written when a watchdog has gone
        env=environ,
        start_new_session=True,
    )
    assert watchdog.stdin
    assert watchdog.stdout
    with watchdog:
        watchdog.stdout.readline()  # it watches
        yield
        with contextlib.suppress(BrokenPipeError):  # the lease was over before
            watchdog.stdin.write(HEALED)


def heal(undo: Sequence[Undo]) -> None:
    """Undo a fault; each step is tried, whatever becomes of the others."""
    for step in undo:
        with contextlib.suppress(Exception):
            _DO[str(step["kind"])](step)


def _resume(step: Undo) -> None:
    pid = int(str(step["pid"]))
    if procfs.start_time(pid) == step["started"]:
        os.kill(pid, signal.SIGCONT)


def _unpause(step: Undo) -> None:
    from lab.engines.docker import client  # not needed by local processes

    client.connect().containers.get(str(step["container"])).unpause()


def _command(step: Undo) -> None:
    subprocess.run([str(word) for word in step["argv"]], check=False, timeout=30)  # type: ignore[attr-defined]


_DO = {"resume": _resume, "unpause": _unpause, "command": _command}


def main() -> None:
    """Be the watchdog."""
    undo, seconds = json.loads(sys.argv[1]), float(sys.argv[2])
    sys.stdout.write("watching\n")
    sys.stdout.flush()
    ready, _, _ = select.select([0], [], [], seconds)
    if not ready or os.read(0, len(HEALED)) != HEALED:
        heal(undo)


if __name__ == "__main__":
    main()
