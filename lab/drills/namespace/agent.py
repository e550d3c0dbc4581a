"""The program in the helper: runs commands in its network namespace, and removes every rule of a drill at its end.

It is alone in its image, so it imports nothing of ours. It reads one JSON document a line, and writes one:

    {"run": ["ss", ...], "input": ""}   ->  {"code": 0, "output": "..."}
    {"renew": true}                     ->  nothing
    {"end": true}                       ->  {"left": []}: what it could not remove

It ends when it is asked to, when its input ends (the lab was killed), on a signal, and when nothing came for as long as
its lease lasts (the lab hangs). In each case it removes the table and the queues of drills first.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

TABLE = "holdfast_drill"
# The handle of a queue that limits bandwidth: it tells ours from those of others.
QUEUE = "d111:"
COMMAND_S = 30.0


def run(command: list[str], text: str = "") -> tuple[int, str]:
    """Return exit code and output of a command; 127 if there is no such program, 124 if it does not end."""
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=COMMAND_S, check=False)
    except FileNotFoundError:
        return 127, f"{command[0]} is not installed"
    except subprocess.TimeoutExpired:
        return 124, f"{command[0]} did not end within {COMMAND_S:.0f} s"
    return done.returncode, done.stdout + done.stderr


def rules_left() -> list[str]:
    """Return what there is of drills in this namespace: tables of nft, queues of tc; or why that can't be told."""
    found = []
    for command, ours in ((["nft", "list", "tables"], TABLE), (["tc", "qdisc", "show"], QUEUE)):
        code, output = run(command)
        if code == 0:
            found += [line for line in output.splitlines() if ours in line.split()]
        elif code != 127:  # without the program there can be no rule of it
            found.append(f"unknown: {' '.join(command)}: {output.strip()}")
    return found


def heal() -> list[str]:
    """Remove what there is of drills; gives what is left of it."""
    for line in rules_left():
        words = line.split()
        if words[0] == "table":
            run(["nft", "delete", *words])
        elif words[0] == "qdisc":
            run(["tc", "qdisc", "del", "dev", words[words.index("dev") + 1], "root"])
    return rules_left()


def lines(lease: float) -> Iterator[str]:
    """Yield lines of the input until it ends, or until nothing has come for `lease` seconds."""
    rest = b""
    while select.select([0], [], [], lease)[0] and (more := os.read(0, 65536)):
        *whole, rest = (rest + more).split(b"\n")
        yield from (line.decode() for line in whole)


def answer(document: dict[str, Any]) -> None:
    """Write one line; the lab may be gone."""
    try:
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def main(lease: float) -> int:
    """Do what the lab asks for until the end, then heal; 1 if something is left."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        answer({"ready": True})
        for line in lines(lease):
            asked = json.loads(line)
            if "end" in asked:
                break
            if "run" in asked:
                code, output = run(asked["run"], asked.get("input", ""))
                answer({"code": code, "output": output})
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        left = heal()
        answer({"left": left})
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
