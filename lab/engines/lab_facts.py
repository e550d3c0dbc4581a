"""What only the lab knows of its parts, for the cause of a verdict: it has ended, with which code, its last line.

It is written into the run's folder, a line of JSON for each part, and read by the master (rawsocket/master/live/) when
it judges the run.
"""

import contextlib
import json
from pathlib import Path

NAME = "lab-facts.jsonl"
KILLED = (-9, 137)  # by SIGKILL: a child of this process, a container
LONGEST = 200  # characters of a log's last line


def fact(part: str, code: int, log: str, *, out_of_memory: bool = False) -> dict[str, str]:
    """Return what is known of a part that has ended with `code`; `out_of_memory`: the kernel killed it for that."""
    if out_of_memory:
        what = "the server" if part == "server" else f"a {part.split('-')[0]}"
        return {"part": part, "name": "out-of-memory", "text": f"{what} was killed for lack of memory", "log": ""}
    how = "was killed (SIGKILL), by hand or for lack of memory" if code in KILLED else f"ended with exit code {code}"
    last = next((line.strip() for line in reversed(log.splitlines()) if line.strip()), "")
    return {"part": part, "name": "ended", "text": f"it {how}", "log": last[:LONGEST] if code not in KILLED else ""}


def line(found: dict[str, str]) -> str:
    """Return the line of a fact, with its end."""
    return json.dumps(found) + "\n"


def tell(folder: Path, found: dict[str, str]) -> None:
    """Add a fact to the file; a full disk must not end the run."""
    with contextlib.suppress(OSError), (folder / NAME).open("a") as file:
        file.write(line(found))
