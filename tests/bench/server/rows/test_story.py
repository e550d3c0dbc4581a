from pathlib import Path
from typing import Any

import pytest

from bench.harness import compiled
from bench.results.line import REPORTED, UNKNOWN
from bench.results.record import Record
from bench.server.clients import burst
from bench.server.row import ServerBench
from bench.server.rows import story
from bench.server.rows.story import BLOCKING, MANY, SERVERS
from lab.settings import models
from tests.support.bench_servers import needs_gcc


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> ServerBench:
    """A story with few connections and short windows."""
    few = {"ALL": 10, "FEW": 3, "HELD": 30, "BURSTS": (5, 10), "WARM_S": 0.05, "IDLE_S": 0.2, "BLOCKED": 3}
    for name, value in few.items():
        monkeypatch.setattr(story, name, value)
    monkeypatch.setattr(story, "BLOCKED_S", 0.2)
    monkeypatch.setattr(burst, "PATIENCE_S", 20.0)  # a burst that is answered ends earlier
    monkeypatch.setattr(burst, "WITHIN_S", 60.0)
    return ServerBench(compiled.program("server/load"), 0.2, 40)


def test_every_model_is_included_and_select_in_processes() -> None:
    assert [name for name in SERVERS if name != MANY] == models()
    assert {"busy", "prefork", "free", "print", "ring"} < set(BLOCKING)
    assert not {"sync", "tutorial", MANY} & set(BLOCKING)


@needs_gcc
def test_small_burst_gives_counts(small: ServerBench, tmp_path: Path) -> None:
    found = story.BURST.measure(small, SERVERS[MANY], tmp_path)
    assert (found["of_5"], found["of_10"], found["most"], found["most_died"]) == (4, 9, 39, False)
    assert found["summary"] == "4 of 4, 9 of 9, 39 of 39 answered"


@needs_gcc
@pytest.mark.parametrize("name", ["select", "prefork"])
def test_cost_of_a_model(small: ServerBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    found = story.COST.measure(small, SERVERS[name], tmp_path)
    assert found["us"] > 0
    assert 0 <= found["idle_pct"] < 50
    assert ("few_us" in found) == (name == "select")
    assert found["bytes"] > (100_000 if name == "prefork" else -1)


@needs_gcc
def test_blocking_call_raises_the_latency(small: ServerBench, tmp_path: Path) -> None:
    assert story.BLOCK.measure(small, BLOCKING["select"], tmp_path / "blocked")["p50_us"] >= 50_000
    assert story.BLOCK.measure(small, BLOCKING["print"], tmp_path / "print")["p99_us"] > 0


def _trial(experiment: str, name: str, **values: Any) -> Record:
    return Record(experiment, name, 1, {"stolen": 0.0, **values})


TRIALS = [
    _trial("story burst", "select", of_20=19, of_900=899, most=999),
    _trial("story burst", "tutorial", of_20=19, of_20_flooded=19, of_900=300, most=1014, most_died=True),
    _trial("story cost", "threaded", us=20.0, few_us=22.0, bytes=20_480.0, idle_pct=0.01),
    _trial("story blocked", "select", p99_us=4_000_000.0),
]


def test_section_has_one_row_per_server() -> None:
    (section,) = story.ROW.sections(TRIALS)
    rows = {row[0]: row[1:] for row in section.table}
    assert len(rows) == len(SERVERS) + 1
    assert rows["select"] == ["19", "899", "999", "-", "-", "-", "-", "4,000 ms"]
    assert rows["tutorial"][:3] == ["19, floods", "300", "1,014, died"]
    assert rows["threaded"][3:7] == ["20.0 µs", "22.0 µs", "0.01 %", "20.0 KB"]
    assert "1,014, died" in section.picture


def test_section_is_complete_if_all_servers_were_measured() -> None:
    trials = [_trial(e.name, name) for e in (story.BURST, story.COST) for name in e.contenders]
    assert story.ROW.sections(trials)[0].outcome == REPORTED
    broken = Record("story cost", "poll", 1, {}, "it died")
    (section,) = story.ROW.sections([*trials[:-1], broken])
    assert (section.outcome, section.notes[0]) == (UNKNOWN, "poll: it died")
