"""What the master keeps of a drill, and what becomes of the run's document."""

from dataclasses import replace
from typing import Any

import pytest

from rawsocket.verdict.drills.prediction import Expected, Marks
from rawsocket.verdict.drills.record import Record, news
from rawsocket.verdict.drills.recovery import Second

MARKS = Marks("x", "a fault", 5.0, wanted=10, injected=110.0, healed=112.0)


def _record(marks: Marks | None) -> Record:
    record = Record(started=100.0)
    record.marks, record.seconds = marks, [Second(float(at), 10) for at in range(8, 20)]
    return record


def _document(code: int = 3) -> dict[str, Any]:
    return {"verdict": "fail", "exit_code": code, "cause": {}, "reasons": ["a"], "thresholds": [{}]}


def test_a_run_without_a_drill_is_as_it_was() -> None:
    assert _record(None).applied(_document(), [], []) == _document()
    assert not _record(None).ends


def test_the_drill_decides_and_not_the_thresholds() -> None:
    found = _record(MARKS).applied(_document(), [], [])
    assert (found["verdict"], found["exit_code"], found["thresholds"], found["cause"]) == ("pass", 0, [], None)
    assert found["reasons"][0] == "drill x: recovered as predicted"
    assert (found["drill"]["injected_s"], found["drill"]["healed_s"]) == (10.0, 12.0)


@pytest.mark.parametrize("code", [1, 130])
def test_a_run_that_broke_or_was_interrupted_keeps_its_exit_code(code: int) -> None:
    found = _record(MARKS).applied(_document(code), [], [])
    assert (found["exit_code"], found["drill"]["outcome"]) == (code, "recovered")


def test_other_outcomes_have_other_exit_codes() -> None:
    missed = Marks("x", "t", 5.0, predicted=(Expected("lost", 5, 5),), wanted=10, injected=110.0, healed=112.0)
    assert _record(missed).applied(_document(0), [], [])["exit_code"] == 3
    unsteady = Marks("x", "t", 5.0, unsteady="2 of 10 connections held", end=True)
    found = _record(unsteady).applied(_document(0), [], [])
    assert (found["verdict"], found["exit_code"], found["drill"]["injected_s"]) == ("unknown", 4, None)
    assert _record(unsteady).ends


@pytest.mark.parametrize(
    ("of_run", "of_drill", "code", "first"),
    [
        (0, 0, 0, "a"),
        (3, 0, 3, "a"),
        (4, 3, 3, "drill x: not recovered"),
        (0, 3, 3, "drill x: not recovered"),
        (0, 4, 4, "drill x: no steady state"),
        (3, 4, 3, "a"),
    ],
)
def test_worse_of_run_and_drill_stands_where_both_are_judged(of_run: int, of_drill: int, code: int, first: str) -> None:
    marks = replace(MARKS, beside=True, unsteady="so" if of_drill == 4 else "", trouble="so" if of_drill == 3 else "")
    found = _record(marks).applied(_document(of_run), [], [])
    assert (found["exit_code"], found["reasons"][0], found["thresholds"]) == (code, first, [{}])
    assert {"a", f"drill x: {found['drill']['outcome']}{' as predicted' * (not of_drill)}"} <= set(found["reasons"])


def test_what_clients_of_the_drill_add_is_known_once_it_is_told() -> None:
    assert _record(None).extra == {}
    assert _record(replace(MARKS, extra={"messages": 5})).extra == {"messages": 5}


def test_events_say_what_is_new() -> None:
    began = Marks("x", "a fault", 5.0, injected=110.0)
    assert news(None, Marks("x", "a fault", 5.0)) == []
    assert news(None, began) == [(110.0, "drill: a fault", "fault")]
    assert news(began, MARKS) == [(112.0, "drill: healed", "healed")]
    assert news(MARKS, MARKS) == []


def test_doubts_about_the_generator_make_a_drill_that_missed_unknown() -> None:
    missed = replace(MARKS, predicted=(Expected("lost", 5, 5),))
    found = _record(missed).applied(_document(0), [], [], ["worker 1 was late by 90 ms"])
    assert (found["verdict"], found["exit_code"], found["drill"]["outcome"]) == ("unknown", 4, "unknown")


@pytest.mark.parametrize(("healed", "until"), [(112.0, "12.0 s"), (None, "its end")])
def test_cause_of_a_run_says_that_it_had_a_fault(healed: float | None, until: str) -> None:
    document = {**_document(3), "cause": {"name": "server-silent", "text": "It was silent", "remedy": "Look"}}
    found = _record(replace(MARKS, beside=True, healed=healed)).applied(document, [], [])
    said = f"(the drill x caused a fault from 10.0 s to {until}, and the thresholds cover it)"
    assert found["cause"] == {"name": "server-silent", "text": f"It was silent {said}", "remedy": "Look"}
    assert _record(replace(MARKS, beside=True)).applied(_document(3), [], [])["cause"] == {}
