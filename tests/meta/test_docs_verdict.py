"""The pages on verdict and ledger have every exit code, failure, event, file, column and figure that the code has."""

import re

import pytest

from lab.errors import VERDICT_CODES
from rawsocket.errors import NAMES
from rawsocket.master.timeline import COLUMNS
from rawsocket.settings.thresholds import THRESHOLDS, Threshold
from rawsocket.verdict.alerts import ALERTS, IN_TROUBLE, ON_TRACK, READY, STARTING
from rawsocket.verdict.causes.cause import CAUSES
from rawsocket.verdict.ledger import EVENTS
from rawsocket.verdict.observed import KINDS
from tests.meta.conftest import text
from tests.support.pages import README, prose, rows, table
from tests.support.pinned import ARTEFACTS, FAILURES

PAGE = "docs/verdict.md"
LEDGER = "docs/ledger.md"


def test_failure_names_are_the_pinned_ones() -> None:
    assert sorted(NAMES) == sorted(FAILURES)


@pytest.mark.parametrize("name", NAMES)
def test_each_failure_name(name: str) -> None:
    assert [name] in [row[:1] for row in rows(PAGE)]


@pytest.mark.parametrize("event", EVENTS)
def test_each_event_of_the_ledger_with_its_meaning(event: str) -> None:
    assert [event, EVENTS[event].replace("`", "")] in [row[:2] for row in rows(LEDGER)]


def test_no_event_is_on_the_page_alone() -> None:
    """The list is closed: what the table names, the code has."""
    listed = text(LEDGER).partition("| event | meaning |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([^`]+)` \|", listed, re.M) == list(EVENTS)


@pytest.mark.parametrize("code", sorted(VERDICT_CODES))
@pytest.mark.parametrize("page", [README, PAGE])
def test_each_exit_code(page: str, code: int) -> None:
    assert str(code) in [row[0] for row in rows(page)]


@pytest.mark.parametrize("code", sorted(VERDICT_CODES))
def test_what_a_gate_does_with_each_exit_code(code: int) -> None:
    _, body = table("docs/ci.md", "code", "verdict")
    assert str(code) in [cell for row in body for cell in row[0].split(", ")]


@pytest.mark.parametrize("name", sorted({*ARTEFACTS, "logs/"}))
def test_each_file_of_a_run(name: str) -> None:
    _, body = table(PAGE, "file", "content")
    assert name in [row[0] for row in body]


@pytest.mark.parametrize("column", COLUMNS)
def test_each_column_of_the_timeline(column: str) -> None:
    assert f"`{column}`" in prose(PAGE)


@pytest.mark.parametrize("kind", ["sent", "first", "wait"])
def test_each_kind_of_latency_in_the_statistics(kind: str) -> None:
    assert f"`{kind}_*`" in prose("docs/latency.md")


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=lambda threshold: threshold.name)
def test_each_threshold(threshold: Threshold) -> None:
    _, body = table(PAGE, "variable", "judged over", "met if")
    assert threshold.variable in [row[0] for row in body]


def test_each_cause_in_its_order() -> None:
    _, body = table(PAGE, "cause", "what happened")
    assert [row[0] for row in body] == [name for name, _ in CAUSES]


def test_each_alert_in_its_order() -> None:
    _, body = table(PAGE, "alert", "while")
    assert [row[0] for row in body][: len(ALERTS)] == [name for name, _ in ALERTS]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_event(kind: str) -> None:
    assert f"`{kind}`" in prose(PAGE)


@pytest.mark.parametrize("word", [READY, STARTING, ON_TRACK, IN_TROUBLE])
def test_each_status(word: str) -> None:
    assert f"`{word}`" in prose(PAGE)
