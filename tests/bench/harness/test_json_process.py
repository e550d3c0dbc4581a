import sys
from pathlib import Path

import pytest

from bench.harness.json_process import Teller
from lab.errors import LabError

PROGRAM = """
import json, sys
for line in sys.stdin:
    word = line.strip()
    print(json.dumps({"error": "it can't"} if word == "fail" else {"said": word}), flush=True)
    if word in ("fail", "end"):
        sys.exit(3)
"""


class Parrot(Teller):
    name = "the parrot"


@pytest.fixture
def parrot() -> object:
    with Parrot([sys.executable, "-c", PROGRAM]) as made:
        yield made


def test_it_answers_each_command(parrot: Parrot) -> None:
    assert parrot.ask("one") == {"said": "one"}
    parrot.tell("two")
    assert parrot.answer() == {"said": "two"}


def test_an_error_is_raised(parrot: Parrot) -> None:
    with pytest.raises(LabError, match="the parrot: it can't"):
        parrot.ask("fail")


def test_one_that_has_ended_is_told(parrot: Parrot) -> None:
    parrot.ask("end")
    with pytest.raises(LabError, match="the parrot ended with 3"):
        parrot.ask("more")


def test_it_ends_with_the_block() -> None:
    with Parrot([sys.executable, "-c", PROGRAM]) as made:
        pass
    assert not Path(f"/proc/{made.pid}").exists()
