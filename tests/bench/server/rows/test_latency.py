from bench.results.line import REPORTED
from bench.results.record import Record
from bench.server.rows.latency import EXPERIMENTS, ROW


def _trial(name: str, p50: float, p99: float, late: float) -> Record:
    values = {"p50_us": p50, "p99_us": p99, "late_us": late, "busy": 0.4, "stolen": 0.0}
    return Record(EXPERIMENTS[0].name, name, 1, values)


def test_latency_is_reported_and_not_judged() -> None:
    first, *others = ROW.lines([_trial("select", 50.0, 200.0, 20.0), _trial("asyncio", 60.4, 300.0, 30.0)])
    assert first.outcome == REPORTED
    assert first.shown == {"select": "50 / 200 µs", "asyncio": "60 / 300 µs"}
    assert first.bars == [("Holdfast select", 200.0, "50 / 200 µs"), ("asyncio Protocol", 300.0, "60 / 300 µs")]
    assert first.notes == [
        "these figures include the lateness of the client itself, up to 30.0 µs (p99); "
        "up to 0.40 cores were busy, with any process"
    ]
    assert [line.outcome for line in others] == [REPORTED, REPORTED]
