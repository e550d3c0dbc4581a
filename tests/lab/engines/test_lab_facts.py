import json
from pathlib import Path

import pytest

from lab.engines import lab_facts
from rawsocket.master.live import lab_facts as masters


@pytest.mark.parametrize(
    ("code", "text", "log"),
    [
        (3, "it ended with exit code 3", "ValueError: filedescriptor out of range in select()"),
        (-9, "it was killed (SIGKILL), by hand or for lack of memory", ""),
        (137, "it was killed (SIGKILL), by hand or for lack of memory", ""),
    ],
)
def test_fact_says_how_a_part_ended_and_its_last_line(code: int, text: str, log: str) -> None:
    found = lab_facts.fact("server", code, "listening\nValueError: filedescriptor out of range in select()\n \n")
    assert found == {"part": "server", "name": "ended", "text": text, "log": log}


def test_fact_of_a_part_that_had_no_memory_has_a_name_of_its_own() -> None:
    found = lab_facts.fact("worker-2", 137, "", out_of_memory=True)
    assert (found["name"], found["text"]) == ("out-of-memory", "a worker was killed for lack of memory")


def test_master_reads_what_the_lab_has_told(tmp_path: Path) -> None:
    told = [lab_facts.fact("server", 3, "bye"), lab_facts.fact("worker-1", -9, "")]
    for one in told:
        lab_facts.tell(tmp_path, one)
    assert masters.NAME == lab_facts.NAME
    assert [(one.part, one.name, one.text, one.log) for one in masters.read(str(tmp_path))] == [
        (one["part"], one["name"], one["text"], one["log"]) for one in told
    ]


def test_folder_that_does_not_take_a_fact_ends_no_run(tmp_path: Path) -> None:
    lab_facts.tell(tmp_path / "missing", lab_facts.fact("server", 3, ""))
    assert json.dumps(list(tmp_path.iterdir())) == "[]"
