import pytest

from bench.results.line import AIM, MET, MISSED, UNKNOWN, Roster, judged, number, outcome
from bench.results.record import Record

ROSTER = Roster("title", "picture", "caption", {"ours": "Ours", "peer": "Peer"}, frozenset({"Peer"}))
RECORDS = [Record("loop", "ours", 1, {"us": 2.0, "stolen": 0.1}), Record("loop", "ours", 2, {}, "it broke")]


@pytest.mark.parametrize(
    ("value", "must", "also", "aimed", "found"),
    [
        (2.0, 3.0, True, True, AIM),
        (3.0, 3.0, True, False, MET),
        (3.1, 3.0, True, True, MISSED),
        (2.0, 3.0, False, True, MISSED),
        (None, 3.0, True, False, UNKNOWN),
        (2.0, None, True, True, UNKNOWN),
    ],
)
def test_outcome_of_a_value(value: float | None, must: float | None, also: bool, aimed: bool, found: str) -> None:
    assert outcome(value, must, also, aimed) == found


def test_a_judged_line_has_bars_and_notes_problems() -> None:
    line = judged(ROSTER, RECORDS, "loop", "loop", "CPU", "µs", {"ours": 2.0, "peer": None}, 4.0, 2.0, title="The CPU")
    assert (line.title, line.outcome, line.stolen) == ("The CPU", AIM, 0.1)
    assert line.shown == {"ours": "2.00 µs", "peer": "-"}
    assert line.bars == [("Ours", 2.0, "2.00 µs")]
    assert line.notes == [
        "ours: it broke",
        "in 1 trials the host stole too much CPU time, even when they were repeated",
    ]


def test_aim_can_have_further_conditions() -> None:
    values = {"ours": 2.0, "peer": None}
    assert judged(ROSTER, [], "loop", "loop", "CPU", "µs", values, 4.0, 2.0, aimed=False).outcome == MET
    assert judged(ROSTER, [], "loop", "loop", "CPU", "µs", values, 4.0, None).outcome == MET
    assert judged(ROSTER, [], "loop", "loop", "CPU", "µs", values, 4.0, 2.0, also=False).outcome == MISSED


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(None, "KB", "-"), (0.913, "KB", "0.91 KB"), (12.34, "µs", "12.3 µs"), (1234.5, "%", "1,234 %"), (0.0, "", "0")],
)
def test_format_of_numbers(value: float | None, unit: str, text: str) -> None:
    assert number(value, unit) == text
