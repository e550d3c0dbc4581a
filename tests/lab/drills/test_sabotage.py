"""Each drill, its healing sabotaged: the run says that it did not recover, and what is left.

`tests/support/unhealed.py` has the lab: no process and no container. What only a real kernel or engine can show is in
the tests of single drills.
"""

import pytest

from lab.drills.drill import Drill
from lab.drills.network.base import NetworkDrill
from lab.drills.table import DRILLS, by_name
from rawsocket.verdict.drills.prediction import Expected, Marks
from rawsocket.verdict.drills.record import Record
from rawsocket.verdict.drills.recovery import NOT_RECOVERED, RECOVERED, VERDICTS, Second, judge
from tests.support.drill_stages import BEFORE, stage
from tests.support.unhealed import GIVEN, RULES, played

#: Who is left frozen.
FROZEN = {"server-frozen": "server", "worker-frozen": "worker-1", "accept-queue-overflow": "server"}
NOT_REPLACED = {"process-killed", "processes-rolling"}
#: What a drill itself looks for after its end, as a figure that must be 0.
LEFT = "own.left"
ANY = pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)


def _expects(drill: Drill) -> list[Expected]:
    return drill.expects(stage(drill.seconds(stage()[1].settings), {0: 50, 1: 50}, **GIVEN)[0], BEFORE)


def _within(one: Expected) -> float:
    """Return a figure as it is predicted."""
    return next((each for each in (one.least, one.most) if each is not None), 0.0)


def _outside(one: Expected) -> list[float]:
    """Return figures that are not as predicted."""
    below = [one.least - 1] if one.least else []
    return below + ([one.most * 1.5 + 1] if one.most is not None else [])


def _in_place(drill: Drill) -> bool:
    """Return whether the drill can leave something that the lab can look for."""
    return isinstance(drill, NetworkDrill) or drill.name in FROZEN or drill.name in NOT_REPLACED


IN_PLACE = pytest.mark.parametrize("drill", [*filter(_in_place, DRILLS)], ids=lambda drill: drill.name)


@ANY
def test_each_figure_of_a_drill_can_be_met_and_missed(drill: Drill) -> None:
    expected = _expects(drill)
    marks = Marks("any", "any", 5.0, injected=1.0, predicted=tuple(expected), unknown=0)
    as_predicted = {"recover_s": 1.0, **{one.figure: _within(one) for one in expected}}
    assert judge(marks, as_predicted)[0] == RECOVERED
    for one in expected:
        for value in _outside(one):
            outcome, reasons = judge(marks, {**as_predicted, one.figure: value})
            assert outcome == NOT_RECOVERED
            assert reasons[0].startswith(f"{one.figure}: "), reasons


@ANY
def test_load_that_does_not_come_back_is_no_recovery(drill: Drill) -> None:
    """Whatever the drill does itself, the connections decide: those that it keeps must be held after healing."""
    found = stage(5.0, {0: 50, 1: 50}, **GIVEN)[0]
    keeps = drill.keeps(found, BEFORE)
    assert keeps > 0

    def document(held: int) -> dict[str, object]:
        record = Record(0.0)
        record.marks = Marks("any", "any", 5.0, injected=10.0, healed=15.0, wanted=keeps, predicted=())
        record.seconds = [Second(at, 100 if at < 10 else 0 if at < 15 else held) for at in map(float, range(40))]
        return record.applied({"exit_code": 0, "verdict": "pass", "reasons": []}, (), ())

    assert document(keeps)["exit_code"] == VERDICTS[RECOVERED][1] == 0
    sabotaged = document(keeps * 9 // 10)
    assert sabotaged["exit_code"] == 3
    assert "recover_s: it did not recover while it was watched" in str(sabotaged["reasons"])


@IN_PLACE
def test_fault_that_is_left_in_place_is_named(monkeypatch: pytest.MonkeyPatch, drill: Drill) -> None:
    marks, _ = played(monkeypatch, drill, heals=False)
    if isinstance(drill, NetworkDrill):
        said = "the drill failed: NotHealed: "
        assert RULES in marks.trouble
    elif drill.name in FROZEN:
        said = f"it did not heal: {FROZEN[drill.name]} was still frozen"
    else:
        said = "the drill failed: LabError: "
    assert marks.trouble.startswith(said), marks.trouble
    assert judge(marks, {"recover_s": 1.0}) == (NOT_RECOVERED, [marks.trouble])
    assert marks.end


@IN_PLACE
def test_fault_that_is_healed_leaves_no_trouble(monkeypatch: pytest.MonkeyPatch, drill: Drill) -> None:
    """The same lab and the same drill, which heals: nothing else makes the test above pass."""
    marks, _ = played(monkeypatch, drill, heals=True)
    assert (marks.trouble, marks.end) == ("", True)
    assert marks.healed is not None


def test_drills_that_leave_nothing_in_place_are_these() -> None:
    """A new drill looks for what it has left, or is named here: it only kills what the lab or the server starts."""
    ends_by_itself = {
        *("server-killed", "reconnect-herd", "reconnect-herd-no-jitter", "worker-killed", "master-killed")
    }
    unwatched = {
        drill.name for drill in DRILLS if not _in_place(drill) and LEFT not in [one.figure for one in _expects(drill)]
    }
    assert unwatched <= ends_by_itself
    assert "server-killed" in by_name()
