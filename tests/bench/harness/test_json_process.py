import sys
from pathlib import Path

import pytest

from bench.harness.json_process import JsonProcess
from lab.errors import LabError

PROGRAM = """
import json, sys
for line in sys.stdin:
    word = line.strip()
    print(json.dumps({"error": "it can't"} if word == "fail" else {"said": word}), flush=True)
    if word in ("fail", "end"):
        sys.exit(3)
"""


class Repeater(JsonProcess):
    name = "the repeater"


@pytest.fixture
def repeater() -> object:
    with Repeater([sys.executable, "-c", PROGRAM]) as made:
        yield made


def test_process_answers_each_command(repeater: Repeater) -> None:
    assert repeater.call("one") == {"said": "one"}
    repeater.send("two")
    assert repeater.receive() == {"said": "two"}


def test_error_answer_raises(repeater: Repeater) -> None:
    with pytest.raises(LabError, match="the repeater: it can't"):
        repeater.call("fail")


def test_ended_process_is_reported(repeater: Repeater) -> None:
    repeater.call("end")
    with pytest.raises(LabError, match="the repeater ended with 3"):
        repeater.call("more")


def test_process_ends_with_the_block() -> None:
    with Repeater([sys.executable, "-c", PROGRAM]) as made:
        pass
    assert not Path(f"/proc/{made.pid}").exists()
