import pytest

from bench.results.line import AIM, MET, MISSED, UNKNOWN
from bench.server.rows.few import ROW
from tests.support.bench_servers import records


@pytest.mark.parametrize(
    ("us", "peers", "outcome"),
    [
        (20.0, {"uvloop": 15.0, "asyncio": 22.0}, AIM),
        (22.4, {"uvloop": 15.0, "asyncio": 22.0}, MET),
        (22.6, {"uvloop": 15.0, "asyncio": 30.0}, MISSED),
        (20.0, {"uvloop": 15.0}, MET),
        (20.0, {"asyncio": 22.0}, UNKNOWN),
    ],
)
def test_limit_and_aim(us: float, peers: dict[str, float], outcome: str) -> None:
    (line,) = ROW.lines(records("10 of 900", "us", us, **peers))
    assert (line.key, line.outcome) == ("few", outcome)


def test_note_has_the_ratios() -> None:
    (line,) = ROW.lines(records("10 of 900", "us", 30.0, uvloop=15.0, asyncio=20.0))
    assert line.notes == ["ours is 2.00 x uvloop, 1.50 x asyncio, - x c-select; must: 1.5 x uvloop; aim: 1 x asyncio"]
