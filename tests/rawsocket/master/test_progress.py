import dataclasses

from rawsocket.master import judge, progress
from rawsocket.master.fleet import Fleet
from rawsocket.master.judge import Evidence, Run
from rawsocket.master.timeline import Timeline
from rawsocket.verdict import Thresholds
from tests.rawsocket.master.test_timeline import SAMPLE

HELD = dataclasses.replace(SAMPLE, held=800, messages_s=80.3, p99_ms=1.31)


def test_the_line_of_a_second() -> None:
    said = "held 800/800  connects 0.0/s  messages 80.3/s  p99 1.31 ms  failures 0  18 s left"
    assert progress.line(HELD, 800, 18.2, 0) == said


def test_a_second_without_replies_and_after_the_end() -> None:
    line = progress.line(dataclasses.replace(HELD, p99_ms=None), 800, -0.4, 7)
    assert "p99 -  failures 7  0 s left" in line


def test_the_table_ends_with_the_verdict_and_its_reasons() -> None:
    evidence = Evidence(Run(workers=2), Fleet(), Timeline(), Thresholds(min_held=5))
    lines = progress.table(judge.document(evidence)).splitlines()
    at = lines.index("verdict: unknown (exit code 4)")
    assert lines[at + 1] == "  no worker came"
    assert any(line.startswith("min_held ") and line.endswith("not measured") for line in lines[:at])


def test_numbers_for_people() -> None:
    assert [progress.number(value) for value in (None, 800, 1.005)] == ["-", "800", "1.00"]
    assert progress.named({}) == "0"
    assert progress.named({"reset": 1, "closed": 20}) == "20 closed, 1 reset"
    assert progress.quantiles(None) == "-"
    assert progress.quantiles({"p50": 0.1, "p95": 0.2, "p99": 1.0, "max": 2.5}) == "0.10 / 0.20 / 1.00 / 2.50 ms"
    assert progress.shares([{"cpu_share": 0.034}, {"cpu_share": None}]) == "3%, -"
