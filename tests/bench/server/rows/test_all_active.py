import pytest

from bench.results.line import AIM, MET, MISSED, UNKNOWN
from bench.server.rows.all_active import ROW_100, ROW_900
from tests.support.bench_servers import records

PEERS = {"asyncio": 23.0, "uvloop": 18.0, "c_select": 13.0}


@pytest.mark.parametrize(
    ("us", "changed", "outcome"),
    [
        (17.5, {}, AIM),  # 1/1.3 of asyncio is 17.7, 1.35 times C select 17.6
        (17.6, {}, MET),
        (17.0, {"uvloop": 16.9}, MET),
        (17.5, {"asyncio": 22.0}, MET),
        (20.0, {}, MET),
        (20.1, {}, MISSED),
        (None, {}, UNKNOWN),
    ],
)
def test_limit_and_aim(us: float | None, changed: dict[str, float], outcome: str) -> None:
    for row, name in ((ROW_100, "100 of 100"), (ROW_900, "900 of 900")):
        (line,) = row.lines(records(name, "us", us, **{**PEERS, **changed}))
        assert (line.key, line.outcome) == (row.key, outcome)


def test_no_outcome_without_asyncio_and_no_aim_without_uvloop() -> None:
    (line,) = ROW_100.lines(records("100 of 100", "us", 10.0, uvloop=18.0, c_select=13.0))
    assert line.outcome == UNKNOWN
    (line,) = ROW_100.lines(records("100 of 100", "us", 10.0, asyncio=23.0, c_select=13.0))
    assert (line.outcome, line.aim) == (MET, None)


def test_note_has_the_ratios() -> None:
    (line,) = ROW_100.lines(records("100 of 100", "us", 18.4, **PEERS))
    assert line.notes[-1].startswith("ours is 0.80 x asyncio, 1.02 x uvloop, 1.42 x c-select; must: 1/1.15 of asyncio")
