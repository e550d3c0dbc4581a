"""A run of a small conversation against the lab's own server, with either engine."""

import csv
import json
import re
from pathlib import Path

from tests.support.lab import ROOT, lab

CONVERSATION = """
framing: line
users: 6
rate: 6
time: 7s
every: 1s
data: {file: names.csv, repeat: yes}
connect:
  - {send: "HELLO {name}", expect: {prefix: HELLO}, name: hello}
steps:
  - {send: "SET k{user} {random:16}", expect: "SET k{user} {random:16}", name: set}
heartbeat: {every: 1s, send: "BEAT {n}", expect: "BEAT {n}"}
goodbye: {send: BYE, name: bye}
thresholds: {failures: 0, p99: {set: 30s}}
"""


def check_run(engine: str, folder: Path) -> None:
    """Run it; demand that all users have played it, with the settings that its file implies."""
    (folder / "names.csv").write_text("name\nann\nbob\n")
    file = folder / "mine.yaml"
    file.write_text(CONVERSATION)
    done = lab("load", "--engine", engine, "--scenario", str(file), "--max-lag-ms", "10000")
    said = done.stdout + done.stderr
    assert re.search(r"^verdict: (pass|unknown)", said, re.M), said
    match = re.search(r"Artefacts: (\S+?)/ ", said)
    assert match, said
    files = ROOT / match[1]
    verdict = json.loads((files / "verdict.json").read_text())
    assert (verdict["connections"]["connected"], verdict["messages"]["wrong"], verdict["failures"]) == (6, 0, 0)
    rows = {row["name"]: row for row in csv.DictReader((files / "stats.csv").read_text().splitlines())}
    assert {"hello", "set", "heartbeat", "bye"} <= rows.keys()
    assert (rows["hello"]["requests"], rows["bye"]["requests"]) == ("6", "6")
