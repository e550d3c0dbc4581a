"""What the pages say of the server's models, of its metrics and of the scenarios is what the code says."""

import re

import pytest

from lab import settings
from server.models.base import Promise, load
from tests.meta.conftest import text
from tests.support.pages import README, rows, table
from tests.support.pinned import STORY

PAGE = "docs/models.md"
SCENARIOS = "docs/scenarios.md"


@pytest.mark.parametrize("scenario", settings.scenarios())
def test_each_scenario(scenario: str) -> None:
    assert any(re.match(rf"{scenario}\b", row[0]) for row in rows(SCENARIOS))


@pytest.mark.parametrize("model", STORY)
def test_each_model_of_the_story(model: str) -> None:
    assert re.search(rf"MODEL={model}\b|`{model}`", text("docs/story.md"))
    assert f"`{model}`" in text(PAGE)


def test_readme_has_a_row_for_each_model() -> None:
    _, body = table(README, "MODEL=", "how it waits")
    assert sorted(row[0] for row in body) == sorted(STORY)


def _short(promise: Promise) -> str:
    return promise.name.lower().replace("_", "-")


def test_what_each_model_guarantees() -> None:
    """Exactly what the code says, of every model that is in the table, and all of the story are."""
    header, body = table(PAGE, "guarantee", "", STORY[0])
    assert set(STORY) <= set(header[2:])
    assert [row[:2] for row in body] == [[_short(promise), promise.value.replace("`", "")] for promise in Promise]
    for column, model in enumerate(header[2:], 2):
        assert {row[column] for row in body} <= {"✓", "-"}
        made = {row[0] for row in body if row[column] == "✓"}
        assert made == {_short(promise) for promise in load(model).promises}, model


def test_why_each_model_does_not_guarantee_the_rest() -> None:
    header, _ = table(PAGE, "guarantee", "", STORY[0])
    _, body = table(PAGE, "server", "not guaranteed", "because")
    said = [(model, promise, reason) for model, promises, reason in body for promise in promises.split(", ")]
    stated = [
        (model, _short(promise), reason.replace("`", ""))
        for model in header[2:]
        for promise, reason in load(model).exceptions.items()
    ]
    assert sorted(said) == sorted(stated)


COUNTERS = re.findall(r"^    \(\"(\w+)\", .*lambda counters", text("server/monitoring/metrics.py"), re.M)
GAUGES = re.findall(r"yield _gauge\(\"(\w+)\"", text("server/monitoring/metrics.py"))
LABELLED = re.findall(r"yield _labelled\(\"(\w+)\"", text("server/monitoring/metrics.py"))


@pytest.mark.parametrize("name", [*(f"{name}_total" for name in (*COUNTERS, *LABELLED)), *GAUGES])
def test_each_metric_of_the_server(name: str) -> None:
    assert len(COUNTERS) > 5
    assert len(GAUGES) > 3
    assert len(LABELLED) > 1
    _, body = table(PAGE, "metric", "meaning")
    assert f"holdfast_server_{name}" in [row[0].partition("{")[0] for row in body]
