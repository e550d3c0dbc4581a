import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rawsocket.master.live import server_usage
from rawsocket.master.live.server_usage import NAME, ServerUsage, Usage, from_file, from_process
from tests.support.reports import Clock


class Source:
    """Answers set by the test, one for each second."""

    def __init__(self, *answers: Usage | None) -> None:
        self.answers = list(answers)
        self.clock = Clock()
        self.usage = ServerUsage(lambda: self.answers.pop(0) if self.answers else None, "engine", "redis", self.clock)

    def seconds(self, number: int) -> None:
        for _ in range(number):
            self.clock.now += 1
            self.usage.poll()


def _answer(at: int, cpu_s: float, memory: int = 20, started: str = "noon") -> Usage:
    return Usage(str(at), started, cpu_s, memory, 100)


def test_figures_of_a_run_and_of_its_last_second() -> None:
    source = Source(_answer(0, 1.0), _answer(1, 1.5, 50), _answer(2, 1.7, 30))
    source.seconds(1)
    source.usage.begin_run()
    source.seconds(2)
    assert source.usage.values() == {"server_cpu_share": 0.2, "server_memory_bytes": 30}
    assert source.usage.in_run() == {
        "source": "engine",
        "name": "redis",
        "cpu_seconds": 0.7,
        "cpu_share_mean": 0.35,
        "cpu_share_max": 0.5,
        "memory_bytes": 30,
        "memory_max_bytes": 50,
        "memory_limit_bytes": 100,
        "restarts": 0,
    }
    state = source.usage.state()
    assert state
    assert (state["name"], state["cpu_share"], state["memory_bytes"]) == ("redis", 0.2, 30)


def test_run_begins_with_nothing_used() -> None:
    source = Source(_answer(0, 1.0), _answer(1, 9.0), _answer(2, 9.0))
    source.seconds(2)
    source.usage.begin_run()
    source.seconds(1)
    found = source.usage.in_run()
    assert found
    assert (found["cpu_seconds"], found["cpu_share_max"]) == (0.0, 0.0)


@pytest.mark.parametrize("after", [_answer(2, 0.2, started="later"), _answer(2, 0.2)])
def test_other_start_or_less_time_is_a_restart(after: Usage) -> None:
    source = Source(_answer(0, 1.0), _answer(1, 1.5), after, _answer(3, 0.5, started=after.started))
    source.seconds(3)
    assert source.usage.restarts == 1
    source.seconds(1)
    found = source.usage.in_run()
    assert found
    assert (found["restarts"], found["cpu_seconds"]) == (1, 1.0)


def test_answer_that_stays_the_same_is_not_used_for_long() -> None:
    same = _answer(1, 1.5)
    source = Source(_answer(0, 1.0), *[same] * 9)
    source.seconds(2)
    assert source.usage.values()
    source.seconds(4)
    assert source.usage.values() == {}
    state = source.usage.state()
    assert state
    assert (state["cpu_share"], state["memory_bytes"]) == (None, None)
    assert source.usage.in_run()


def test_without_a_source_nothing_is_known() -> None:
    usage = ServerUsage.configured("", "", "")
    usage.poll()
    assert (usage.present, usage.values(), usage.state(), usage.in_run()) == (False, {}, None, None)
    usage.run()  # returns


def test_source_that_never_answers_is_present_and_unknown() -> None:
    source = Source()
    source.seconds(2)
    assert source.usage.values() == {}
    assert source.usage.in_run() is None
    assert (source.usage.state() or {})["source"] == "engine"


def test_file_that_is_missing_or_cut_off_is_no_answer(tmp_path: Path) -> None:
    read, file = from_file(str(tmp_path)), tmp_path / NAME
    assert read() is None
    answer = {"at": "1", "started": "noon", "cpu_s": 1.5, "memory": 20, "memory_limit": 100}
    file.write_text(json.dumps(answer)[:20])
    assert read() is None
    file.write_text('{"other": 1}')
    assert read() is None
    file.write_text(json.dumps(answer))
    assert read() == Usage(**answer)  # type: ignore[arg-type]


def test_figures_of_a_process_with_its_children() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    clock = Clock()
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        read = from_process(process.pid, clock)
        alone = read()
        assert alone
        assert alone.memory > 0
        while (found := read()) and found.memory < 1.5 * alone.memory:
            clock.now += server_usage.CHILDREN_S
        assert found
        assert found.cpu_s >= alone.cpu_s
        assert found.started == alone.started
        process.communicate(b"\n")
    assert read() is None


def test_where_the_figures_come_from(tmp_path: Path) -> None:
    assert ServerUsage.configured("engine", str(tmp_path), "redis").present
    usage = ServerUsage.configured(str(os.getpid()), "", "mine")
    usage.poll()
    assert (usage.state() or {})["source"] == "/proc"
    assert usage.values()["server_memory_bytes"] > 0
