"""Records of a bench-load run in which every figure reaches its aim."""

from typing import Any

from bench.load.contenders import FLOOR, SESSION
from bench.results.record import Record

STALL = {"p99_ms": 1805.0, "p99_implied_ms": 1800.0, "p99_implied_off_pct": 0.3, "p99_9_implied_off_pct": -0.2}
COUNTS = {"due": 100, "sent": 100, "unsent": 0, "answered": 100, "unanswered": 0, "server_messages": 100}
AT_ONCE = {"p99_at_once_off_pct": 0.5, "p99_9_at_once_off_pct": 0.1}


def trial(experiment: str, contender: str, **values: Any) -> Record:
    """One trial of the first repetition."""
    return Record(experiment, contender, 1, {"stolen": 0.001, **values})


RECORDS = [
    *(trial("closed", FLOOR, us=10.0), trial("closed", SESSION, us=12.0), trial("closed", FLOOR, us=10.0)),
    *(trial("closed", "typical", us=60.0), trial("closed", FLOOR, us=10.0)),
    trial("hold", SESSION, kb=0.8, us=20.0, lag_ramp_ms=30.0, lag_held_ms=20.0, lag_end_ms=40.0, silent_held_ms=9.0),
    trial("hold", "typical", kb=12.0, us=90.0, silent_held_ms=800.0),
    trial("hold", "tuned", kb=11.0, us=70.0, silent_held_ms=700.0),
    trial("hold", FLOOR, kb=0.2, us=11.0, silent_held_ms=4.0),
    trial("arrivals", SESSION, worst_pct=8.0, accepted=15_000, failed=0, tenths=[95, 108, 100]),
    trial("arrivals", "typical", worst_pct=900.0, accepted=15_000, failed=None, tenths=[1000, 0, 0]),
    trial("stall 100", SESSION, **STALL, **COUNTS, **AT_ONCE),
    trial("stall 100", "typical", **{**STALL, "p99_ms": 8.0, "p99_implied_off_pct": -99.0}, never_sent_pct=8.6),
    trial("stall 1000", SESSION, **STALL, **COUNTS, **AT_ONCE),
    trial("tls", SESSION, us=15.0, without_us=10.0, times=1.5),
    trial("tls held", SESSION, kb=20.0),
    trial("tls handshakes", SESSION, per_cpu_s=800.0, per_s=400.0),
    trial("ids", SESSION, us=11.0, without_us=10.0, times=1.1),
    trial("heartbeats", SESSION, us=9.0, without_us=10.0, times=0.9),
    trial("conversation", SESSION, us=10.2, without_us=10.0, times=1.02),
    trial("conversation held", SESSION, kb=1.64, without_kb=1.6, times=1.025),
    trial("soak", SESSION, reconciled=True, unexplained=0, growth_pct=0.1, soak_s=300.0),
]
