"""The artefacts that tell the verdict: junit.xml and summary.md."""

import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

from rawsocket.master.reports import artefacts
from rawsocket.verdict import run_errors
from tests.support import levels
from tests.support.controllers import ControllerBench

CHECKS = [
    {"name": "min_held", "limit": 5, "actual": 5, "ok": True, "text": "5 connections held; at least 5 were demanded"},
    {"name": "max_failures", "limit": 0, "actual": 7, "ok": False, "text": "7 failures; none were allowed"},
    {"name": "max_p99_ms", "limit": 10.0, "actual": None, "ok": None, "text": "not measured"},
]

TIMES = {"started_utc": "2026-01-02T03:04:05Z", "ended_utc": "2026-01-02T03:05:11Z"}


def _suite(verdict: str, reasons: list[str], **more: Any) -> ElementTree.Element:
    document = {"verdict": verdict, "reasons": reasons, "thresholds": CHECKS, "run": TIMES, **more}
    return ElementTree.fromstring(artefacts.junit(document).encode())


@pytest.mark.parametrize(
    ("verdict", "kind", "failures", "errors"),
    [("fail", "failure", "2", "1"), ("unknown", "error", "1", "2")],
)
def test_junit_report_is_valid_xml_with_one_case_per_threshold(
    verdict: str, kind: str, failures: str, errors: str
) -> None:
    suite = _suite(verdict, ["a < b & c", "d"], cause={"text": "why"})
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", failures, errors)
    run, *thresholds = suite
    assert run.get("name") == "run"
    assert (found := run.find(kind)) is not None
    assert found.get("message") == f"{verdict}: why; a < b & c; d"
    assert [[child.tag for child in case] for case in thresholds] == [["system-out"], ["failure"], ["error"]]
    assert thresholds[1][0].text == "7 failures; none were allowed"


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        ("pass", "3 thresholds met"),
        ("fail", "max_failures: 7 failures; none were allowed"),
        ("fail", "max_failures[a b]: 7 failures; none were allowed"),
        ("fail", "7 messages still waited for a reply when stop was asked, the oldest for 8 s"),
        ("unknown", "the scenario raised KeyError 3 times, first at mine.py:9: 'token'"),
    ],
)
def test_junit_counts_a_failure_once(verdict: str, reason: str) -> None:
    errors = [{"type": "KeyError", "where": "mine.py:9", "message": "'token'", "count": 3, "library": False}]
    suite = _suite(verdict, [reason], scenario_errors=errors if "raised" in reason else [])
    assert [child.tag for child in suite[0]] == ["system-out"]
    assert suite.get("failures") == "1"
    assert suite.get("errors") == ("2" if "raised" in reason else "1")


def test_junit_has_the_length_of_the_run_and_its_start() -> None:
    suite = _suite("pass", [])
    assert (suite.get("time"), suite.get("timestamp")) == ("66", "2026-01-02T03:04:05")
    assert [case.get("time") for case in suite] == ["66", "0", "0", "0"]


def test_summary_is_a_valid_markdown_table(bench: ControllerBench) -> None:
    text = artefacts.summary(bench.controller.conclude())
    lines = text.splitlines()
    assert lines[0].startswith("## Holdfast: ")
    assert "`ho\\|ld` with" in text
    assert "| threshold | limit | actual |  |" in lines
    assert "| max_failures | 0 | 6 | **missed** |" in lines or "| max_failures | 0 | 0 | met |" in lines
    widths = {line.count("|") - line.count("\\|") for line in lines if line.startswith("| ")}
    assert widths <= {3, 5, 6, 7}


def test_levels_of_a_load_shape_are_in_summary_and_junit(bench: ControllerBench) -> None:
    document = {**bench.stop(), **levels.document(), "verdict": "fail"}
    document["reasons"] = [document["shape"]["line"], "at 200 users: p99 from due 31 ms"]
    document["thresholds"] = [{**CHECKS[1], "where": "at 200 users"}, CHECKS[0]]
    summary = artefacts.summary(document)
    assert "Load shape: 100 to 1,000 users by 100, 30 s each\n\n| level | held |" in summary
    assert "| 200 users | 200 | 0.610 | 31.00 | 200 | 0 | - | failed |" in summary
    suite = ElementTree.fromstring(artefacts.junit(document))
    cases = {case.get("name"): case for case in suite}
    assert list(cases) == ["run", "min_held", "level 1: 100 users", "level 2: 200 users"]
    assert (suite.get("failures"), suite.get("errors")) == ("1", "0")
    assert cases["level 1: 100 users"].find("failure") is None
    failure = cases["level 2: 200 users"].find("failure")
    assert failure is not None
    assert failure.text == "p99 from due 31 ms"


def test_ledger_does_not_repeat_reasons_of_the_verdict(bench: ControllerBench) -> None:
    document = bench.controller.conclude()
    ledger = {**document["ledger"], "unknown": ["it is down", "another"]}
    lines = artefacts.summary({**document, "cause": None, "reasons": ["it is down"], "ledger": ledger}).splitlines()
    assert [line for line in lines if "it is down" in line] == ["**it is down**"]
    assert lines.count("- another") == 1


def test_summary_leads_with_the_cause_and_what_to_try(bench: ControllerBench) -> None:
    cause = {"name": "server-full", "text": "The server is full", "remedy": "Set MAX_CONNECTIONS=9"}
    document = {**bench.controller.conclude(), "reasons": ["max_failures: 3, limit 0"], "cause": cause}
    lines = [line for line in artefacts.summary(document).splitlines() if line]
    assert lines[1:3] == ["**The server is full**", "Try: Set MAX_CONNECTIONS=9"]
    assert "- max_failures: 3, limit 0" not in lines


def test_junit_of_a_pass_with_an_exit_code_of_the_scenario_is_no_success(bench: ControllerBench) -> None:
    document = run_errors.with_exit_code({**bench.controller.conclude(), "verdict": "pass", "exit_code": 0}, 1)
    suite = ElementTree.fromstring(artefacts.junit(document).partition("\n")[2])
    [run, *_] = suite
    assert run.find("failure") is not None
