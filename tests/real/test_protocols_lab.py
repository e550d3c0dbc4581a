"""The lab runs a protocol as any other scenario: with a master, workers, and a verdict."""

import csv
import json
import re

from tests.real.real_server import RealServer
from tests.support.busy_machine import MachineTooBusy, retry_on_busy_machine
from tests.support.lab import ROOT, lab


@retry_on_busy_machine
def test_run_of_redis_commands_counts_what_redis_counts(redis: RealServer) -> None:
    redis.mark()  # another attempt counts anew
    flags = ["--users", "10", "--rate", "10", "--time", "4s", "--every", "0.2", "--workers", "2", "--max-p99-ms", "0"]
    scenario = ["--scenario", "protocols/redis_commands", "--target", redis.target]
    done = lab("load", "--engine", "native", *scenario, *flags)
    folder = re.search(r"Artefacts: (\S+)", done.stdout + done.stderr)
    assert folder, done.stdout + done.stderr
    verdict = json.loads((ROOT / folder[1] / "verdict.json").read_text())
    assert verdict["messages"]["wrong"] == 0
    if verdict["messages"]["unanswered"]:
        raise MachineTooBusy("the stop found messages in flight: Redis may have counted them, the run has not")
    lines = (ROOT / folder[1] / "stats.csv").read_text().splitlines()
    rows = {row["name"]: int(row["requests"]) for row in csv.DictReader(lines)}
    counted = redis.wait_for("cmdstat_quit", rows["QUIT"])
    for name in ("DEL", "RPUSH", "SET", "GET", "LRANGE", "QUIT"):
        assert rows[name] == counted[f"cmdstat_{name.lower()}"], name
