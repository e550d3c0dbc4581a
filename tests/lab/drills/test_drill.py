"""What all drills have in common: where they can run, and that they always heal."""

import pytest

from lab.drills import clients, shortage
from lab.drills.drill import NATIVE, Drill, Ended
from lab.drills.table import DRILLS
from tests.support.drill_stages import BEFORE, settings, stage

ALL = pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
#: Those of the network need containers: tests/lab/drills/network, tests/containers.
EVERYWHERE = pytest.mark.parametrize(
    "drill", [drill for drill in DRILLS if NATIVE in drill.engines], ids=lambda drill: drill.name
)
#: Those that start no program of their own: tests/lab/drills/clients has the others.
BY_HAND = pytest.mark.parametrize(
    "drill",
    [drill for drill in DRILLS if NATIVE in drill.engines and drill not in (*clients.DRILLS, *shortage.DRILLS)],
    ids=lambda drill: drill.name,
)


@ALL
def test_text_is_one_line(drill: Drill) -> None:
    assert len(drill.text) <= 100
    assert "\n" not in drill.text


@EVERYWHERE
def test_refusal_names_what_is_missing(drill: Drill) -> None:
    fit = settings(PROCESSES="2", WORKERS="2")
    assert drill.refusal("native", fit) == drill.refusal("docker", fit) == ""
    assert "ENGINE=docker or native" in drill.refusal("cloud", fit)
    on_target = drill.refusal("native", settings(TARGET="tcp://127.0.0.1:9", PROCESSES="2"))
    assert ("TARGET" in on_target) == (not drill.on_target)


@EVERYWHERE
def test_predictions_name_figures_and_their_reasons(drill: Drill) -> None:
    found, _ = stage(held={0: 50, 1: 50}, PROCESSES="2")
    expected = drill.expects(found, BEFORE)
    assert {"lost", "recover_s"} <= {one.figure for one in expected} or drill.ends_run
    assert drill.keeps(found, BEFORE) in (50, 100)


@BY_HAND
def test_fault_is_healed_if_the_run_ends_inside_of_it(drill: Drill) -> None:
    found, lab = stage(held={0: 50, 1: 50}, PROCESSES="2")
    with pytest.raises(Ended), drill.injected(found):
        raise Ended
    begun = [each.replace("freeze", "thaw") for each in lab.said if each.startswith("freeze")]
    assert set(begun) <= set(lab.said)
    assert ("kill server" in lab.said) == ("restart server" in lab.said)


def test_names_are_different() -> None:
    assert len({drill.name for drill in DRILLS}) == len(DRILLS)
