"""The table of thresholds. A new threshold needs one row: a row that only this test adds appears in every output."""

import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from rawsocket.settings import options, thresholds
from rawsocket.settings.thresholds import THRESHOLDS, Comparison
from rawsocket.verdict.judge import Figures, measured

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("settings", "overrides", "wanted"),
    [
        ({}, {}, {"max_failures": 0}),
        ({"min_held": 0, "max_failures": -1, "max_p99_ms": 0.0, "min_messages_s": 0.0}, {}, {}),
        (
            {"min_held": 3, "max_failures": 5, "max_p99_ms": 9.0, "min_messages_s": 2.0},
            {},
            {"min_held": 3, "max_failures": 5, "max_p99_ms": 9.0, "min_messages_s": 2.0},
        ),
        ({"min_held": 3}, {"min_held": 7}, {"min_held": 7, "max_failures": 0}),
        ({"min_held": 3}, {"min_held": 0}, {"max_failures": 0}),
        (
            {"max_p99_ms": "1000, login = 3000,ping=0", "max_failures": "login=0.1%,2%,5,-1=7"},
            {},
            {
                "max_failures_percent[login]": 0.1,
                "max_failures_percent": 2,
                "max_failures": 5,
                "max_failures[-1]": 7,
                "max_p99_ms": 1000,
                "max_p99_ms[login]": 3000,
            },
        ),
        (
            {"max_failures": "login=0.1%", "min_messages_s": "push=100"},
            {},
            {"max_failures_percent[login]": 0.1, "min_messages_s[push]": 100},
        ),
    ],
)
def test_limits_from_the_flags(
    settings: dict[str, float | str], overrides: dict[str, float | None], wanted: dict[str, float]
) -> None:
    assert thresholds.limits(Namespace(**settings), overrides) == wanted


@pytest.mark.parametrize("row", ["", "login", "a[b]", "max_p99_ms", "100% sure", "x_percent"])
def test_name_of_a_limit_says_what_it_limits(row: str) -> None:
    name = f"[{row}]" if row else ""
    for threshold in THRESHOLDS:
        for percent in (False, True):
            found = thresholds.named(f"{threshold.name}{thresholds.PERCENT if percent else ''}{name}")
            assert found == thresholds.Named(threshold, percent, row)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("login=fast", "a number of at least 0, alone or for a row as in login=3000, with commas between them"),
        ("=5", "the name of a row before ="),
        ("1,2", "one limit without a row, not two"),
        ("a=1,a=2", "one limit for a, not two"),
    ],
)
def test_error_of_a_list_of_limits_says_what_was_expected(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match="is not valid") as caught:
        options.BY_NAME["max_p99_ms"].parse(text)
    assert str(caught.value) == (
        f"MAX_P99_MS={text!r} is not valid: expected {expected}. Set MAX_P99_MS or --max-p99-ms."
    )


def test_limits_are_inclusive() -> None:
    assert Comparison.AT_LEAST.met(5, 5)
    assert Comparison.AT_MOST.met(5, 5)
    assert not Comparison.AT_LEAST.met(4, 5)
    assert not Comparison.AT_MOST.met(6, 5)


@pytest.mark.parametrize("row", THRESHOLDS, ids=lambda row: row.name)
def test_each_row_names_a_figure_a_flag_and_a_unit(row: thresholds.Threshold) -> None:
    measured(Figures(), row.figure)
    assert options.BY_NAME[row.name] is row
    assert row.limits(row.parse(f"{row.off:g}")) == {}
    assert row.help.endswith(f"; {row.off:g}: not judged")
    assert row.unit


PROBE = """
import argparse, json, sys
from rawsocket.settings import thresholds
from rawsocket.settings.row import number
from rawsocket.settings.thresholds import AT_MOST, Threshold

thresholds.THRESHOLDS += (
    Threshold("max_connect_p95_ms", number(0), None, "threshold: p95 of connects in milliseconds; 0: not judged", "",
              figure="latency_ms.connect.p95", comparison=AT_MOST, unit="ms"),
)

from locust import argument_parser
from locust.event import Events
from rawsocket.master import figures
from rawsocket.master.reports import artefacts, html_report, result
from rawsocket.master.run import Run, RunInfo
from rawsocket.measurement.report import Report, RowReport, RowTimes
from rawsocket.settings import options

parser = argparse.ArgumentParser()
original = parser.add_argument
form = {}


def add_argument(flag, *, env_var=None, include_in_web_ui=None, **more):
    form[flag] = include_in_web_ui
    return original(flag, **more)


parser.add_argument = add_argument
options.add_to(parser)
parsed = parser.parse_args(["--max-connect-p95-ms", "5"])

run = Run(RunInfo(workers=1), started_at=0.0, workers=["a"], thresholds=thresholds.limits(parsed))
rows = [RowReport("TCP", "connect", 1, times=RowTimes(sent=[[7_000, 1]]))]
run.receive("a", Report(run=1, rows=rows))
run.document = figures.document(run)
texts = {
    "console": result.text(result.lines(run.document)),
    "junit.xml": artefacts.junit(run.document),
    "summary.md": artefacts.summary(run.document),
    "report.html": html_report.page(run),
}
json.dump({"document": run.document, "texts": texts, "form": form}, sys.stdout)
"""


def test_new_threshold_needs_only_one_row() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    found = json.loads(done.stdout)
    (check,) = [check for check in found["document"]["thresholds"] if check["name"] == "max_connect_p95_ms"]
    assert (check["limit"], check["ok"]) == (5.0, False)
    assert check["actual"] == pytest.approx(7.0, rel=0.001)
    reason = "max_connect_p95_ms: 7 ms; at most 5 ms were allowed"
    assert reason in found["document"]["reasons"]
    for name, text in found["texts"].items():
        assert "max_connect_p95_ms" in text or check["title"] in text, name
    assert found["form"]["--max-connect-p95-ms"] is True
