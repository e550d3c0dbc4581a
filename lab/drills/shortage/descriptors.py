"""A program that changes how many descriptors other processes may have; it runs where they run, and imports no others.

    python3 -c "$(cat descriptors.py)" show PID ...          ->  {"PID": [soft, hard]}
    python3 -c "$(cat descriptors.py)" lower SPARE PID ...   so many more than each has
    python3 -c "$(cat descriptors.py)" restore JSON          what `show` has said

Without a PID: all other processes that it sees, as in a container. A process that has ended is no error.
"""

import contextlib
import json
import os
import resource
import sys
from collections.abc import Iterator

KIND = resource.RLIMIT_NOFILE


def limit_for(used: set[int], spare: int) -> int:
    """Return the limit below which so many numbers are free."""
    number = 0
    while spare:
        spare -= number not in used
        number += 1
    return number


def processes(given: list[str]) -> Iterator[int]:
    """Yield the pids."""
    for name in given or os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            yield int(name)


def main(what: str, *words: str) -> None:
    """Do what is asked for."""
    found = {}
    if what == "restore":
        for pid, limits in json.loads(words[0]).items():
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(int(pid), KIND, tuple(limits))
        return
    spare, pids = (0, words) if what == "show" else (int(words[0]), words[1:])
    for pid in processes(list(pids)):
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            soft, hard = found[pid] = resource.prlimit(pid, KIND)
            if what == "lower":
                used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
                resource.prlimit(pid, KIND, (min(soft, limit_for(used, spare)), hard))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
