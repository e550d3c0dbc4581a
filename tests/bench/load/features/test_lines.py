from typing import Any

import pytest

from bench.load.contenders import SESSION
from bench.load.features import lines
from bench.load.table import ROSTER
from bench.results.line import AIM, MET, MISSED, REPORTED, UNKNOWN
from bench.results.record import Record


def _trial(experiment: str, **values: Any) -> Record:
    return Record(experiment, SESSION, 1, {"stolen": 0.0, **values})


def _tls(kb: float | None) -> list[Record]:
    return [
        *(_trial("tls", us=14.0 + n, without_us=10.0, times=1.4 + n / 10) for n in range(3)),
        _trial("tls held", kb=kb),
        _trial("tls handshakes", per_cpu_s=800.0, per_s=400.0),
    ]


def test_tls_has_lines_for_cpu_memory_and_handshakes() -> None:
    cpu, memory, handshakes = lines.tls(ROSTER, _tls(20.0))
    assert cpu.shown[SESSION] == "1.50 x, 15.0 µs"
    assert cpu.notes == ["x: relative to plain TCP, the median of the trials"]
    assert [bar[0] for bar in cpu.bars] == ["SessionUser", "plain TCP"]
    assert (memory.shown[SESSION], memory.aim) == ("20.0 KB", 25.0)
    assert handshakes.shown[SESSION] == "800 /s"
    assert "with the server on the same machine, 400 a second were made" in handshakes.notes
    assert handshakes.caption.startswith("More is better")


@pytest.mark.parametrize(("kb", "outcome"), [(25.0, AIM), (25.1, REPORTED), (None, UNKNOWN)])
def test_memory_over_tls_has_an_aim_and_nothing_that_it_must_reach(kb: float | None, outcome: str) -> None:
    assert lines.tls(ROSTER, _tls(kb))[1].outcome == outcome


@pytest.mark.parametrize(
    ("made", "key", "without"),
    [(lines.ids, "ids", "by order"), (lines.heartbeats, "heartbeats", "sent by the session")],
)
def test_a_feature_is_reported_relative_to_the_load_without_it(made: Any, key: str, without: str) -> None:
    (line,) = made(ROSTER, [_trial(key, us=30.0, without_us=20.0, times=1.5)])
    assert (line.key, line.outcome, line.shown[SESSION]) == (key, REPORTED, "1.50 x, 30.0 µs")
    assert line.bars == [("SessionUser", 30.0, "30.0 µs"), (without, 20.0, "20.0 µs")]


@pytest.mark.parametrize(("times", "outcome"), [(1.1, MET), (1.11, MISSED)])
def test_conversation_must_cost_no_more_than_a_tenth_more_than_a_session_in_python(times: float, outcome: str) -> None:
    records = [
        _trial("conversation", us=11.0, without_us=10.0, times=times),
        _trial("conversation held", kb=1.7, without_kb=1.6, times=times),
    ]
    cpu, memory = lines.conversation(ROSTER, records)
    assert (cpu.key, cpu.outcome, cpu.shown[SESSION]) == ("conversation", outcome, f"{times:.2f} x, 11.0 µs")
    assert (memory.key, memory.outcome) == ("conversation memory", outcome)
    assert memory.shown[SESSION] == f"{times:.2f} x, 1.70 KB"


def test_without_trials_all_lines_are_unknown() -> None:
    makers = (lines.tls, lines.ids, lines.heartbeats, lines.conversation)
    assert [line.outcome for made in makers for line in made(ROSTER, [])] == [UNKNOWN] * 7
