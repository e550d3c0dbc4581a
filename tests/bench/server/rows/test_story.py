from pathlib import Path
from typing import Any

import pytest

from bench.harness import compiled
from bench.harness.line import TOLD, UNKNOWN
from bench.harness.record import Record
from bench.server.clients import burst
from bench.server.row import Bench
from bench.server.rows import story
from bench.server.rows.story import BLOCKING, MANY, SERVERS
from lab.settings import models
from tests.support.serving import needs_gcc


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A story of few connections and short windows."""
    few = {"ALL": 10, "FEW": 3, "HELD": 30, "CROWDS": (5, 10), "WARM_S": 0.05, "IDLE_S": 0.2, "BLOCKED": 3}
    for name, value in few.items():
        monkeypatch.setattr(story, name, value)
    monkeypatch.setattr(story, "BLOCKED_S", 0.2)
    monkeypatch.setattr(burst, "PATIENCE_S", 20.0)  # which a crowd that is answered doesn't take
    monkeypatch.setattr(burst, "WITHIN_S", 60.0)
    return Bench(compiled.program("server/load"), 0.2, 40)


def test_every_model_is_in_it_and_select_in_processes() -> None:
    assert [name for name in SERVERS if name != MANY] == models()
    assert {"busy", "prefork", "free", "print", "ring"} < set(BLOCKING)
    assert not {"sync", "tutorial", MANY} & set(BLOCKING)


@needs_gcc
def test_a_crowd(small: Bench, tmp_path: Path) -> None:
    found = story.CROWD.once(small, SERVERS[MANY], tmp_path)
    assert (found["of_5"], found["of_10"], found["most"], found["most_died"]) == (4, 9, 39, False)
    assert found["told"] == "4 of 4, 9 of 9, 39 of 39 answered"


@needs_gcc
@pytest.mark.parametrize("name", ["select", "prefork"])
def test_what_it_costs(small: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    found = story.COST.once(small, SERVERS[name], tmp_path)
    assert found["us"] > 0
    assert 0 <= found["idle_pct"] < 50
    assert ("few_us" in found) == (name == "select")
    assert found["bytes"] > (100_000 if name == "prefork" else -1)


@needs_gcc
def test_a_call_that_blocks_is_seen(small: Bench, tmp_path: Path) -> None:
    assert story.BLOCK.once(small, BLOCKING["select"], tmp_path / "blocked")["p50_us"] >= 50_000
    assert story.BLOCK.once(small, BLOCKING["print"], tmp_path / "print")["p99_us"] > 0


def _turn(experiment: str, name: str, **values: Any) -> Record:
    return Record(experiment, name, 1, {"stolen": 0.0, **values})


TURNS = [
    _turn("story crowd", "select", of_20=19, of_900=899, most=999),
    _turn("story crowd", "tutorial", of_20=19, of_20_flooded=19, of_900=300, most=1014, most_died=True),
    _turn("story cost", "threaded", us=20.0, few_us=22.0, bytes=20_480.0, idle_pct=0.01),
    _turn("story blocked", "select", p99_us=4_000_000.0),
]


def test_a_row_for_each_server() -> None:
    (section,) = story.ROW.sections(TURNS)
    rows = {row[0]: row[1:] for row in section.table}
    assert len(rows) == len(SERVERS) + 1
    assert rows["select"] == ["19", "899", "999", "-", "-", "-", "-", "4,000 ms"]
    assert rows["tutorial"][:3] == ["19, floods", "300", "1,014, died"]
    assert rows["threaded"][3:7] == ["20.0 µs", "22.0 µs", "0.01 %", "20.0 KB"]
    assert "1,014, died" in section.picture


def test_it_is_told_where_everyone_was_measured() -> None:
    everyone = [_turn(e.name, name) for e in (story.CROWD, story.COST) for name in e.contenders]
    assert story.ROW.sections(everyone)[0].outcome == TOLD
    broken = Record("story cost", "poll", 1, {}, "it died")
    (section,) = story.ROW.sections([*everyone[:-1], broken])
    assert (section.outcome, section.notes[0]) == (UNKNOWN, "poll: it died")
