"""Judges a drill that has ended its run: there is no verdict of the master, so the lab writes what there is."""

import json
from dataclasses import asdict

from lab import folders
from lab.drills.drill import Drill
from lab.drills.runner import DrillRunner
from lab.errors import EXIT_MISSED, EXIT_OK, writing
from lab.progress import result
from rawsocket.verdict.drills.recovery import NOT_RECOVERED, RECOVERED, miss

LOST = {
    "name": "master-lost",
    "text": "The master of the run was killed, so nobody can say what the run found",
    "remedy": "Run it again",
}
CODES = {RECOVERED: EXIT_OK, NOT_RECOVERED: EXIT_MISSED}


def judge(drill_runner: DrillRunner, drill: Drill, code: int, server: str) -> int:
    """Write verdict.json of the latest run, and return the exit code of its drill. `code`: that of the run."""
    if not drill_runner.predicted:  # the fault did not come: the run has a verdict of its own
        return code
    left = [part.name for part in drill_runner.parts if not part.gone()]
    measured = {"own.exit_code": float(code), "own.left": float(len(left))}
    missed = [miss(one, measured) for one in drill_runner.predicted if not one.met(measured.get(one.figure))]
    missed += [f"still running: {', '.join(left)}"] if left else []
    outcome = NOT_RECOVERED if missed else RECOVERED
    found = {
        "name": drill.name,
        "text": drill.text,
        "server": server,
        "outcome": outcome,
        "reasons": missed or [f"{LOST['text']}; the lab has ended the others"],
        "predicted": [
            {**asdict(one), "actual": (now := measured.get(one.figure)), "ok": one.met(now)}
            for one in drill_runner.predicted
        ],
        "measured": measured,
        "findings": [],
    }
    document = {"schema": 1, "verdict": "unknown", "exit_code": CODES[outcome], "cause": LOST, "drill": found}
    file = folders.work() / "runs/latest/verdict.json"
    with writing(file):
        file.write_text(json.dumps(document, indent=2) + "\n")
    for line in (f"drill {drill.name}: {outcome}", *missed):
        result(line)
    return CODES[outcome]
