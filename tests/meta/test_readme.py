"""Every name that a user may type or read is in the README."""

import itertools
import re
from functools import cache
from typing import Any

import pytest

from bench import settings as bench_settings
from lab import __main__ as command
from lab import settings
from lab.errors import VERDICT_CODES
from rawsocket.errors import NAMES
from rawsocket.settings.row import Setting
from rawsocket.verdict.ledger import EVENTS
from server.models.base import Promise, load
from server.settings import TABLE
from tests.meta.conftest import text
from tests.support.cuts import CUTS, feed
from tests.support.pinned import FAILURES, STORY

MAKE_TARGETS = re.findall(r"^([a-z-]+):.*##", text("Makefile"), re.M)
LAB_TARGETS = ("help", "setup", "up", "down", "logs", "status", "load", "ci", "test", "lint", "format", "clean")


@cache
def _readme() -> str:
    return text("README.md")


@cache
def _rows() -> list[list[str]]:
    """The cells of all table rows, without backticks."""
    lines = [line for line in _readme().splitlines() if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("setting", settings.SETTINGS, ids=lambda setting: setting.variable)
def test_each_setting_of_the_lab_with_its_default_and_values(setting: Setting) -> None:
    found = [row[2] for row in _rows() if row[:2] == [setting.variable, setting.default or "unset"]]
    # Scenarios and models have tables of their own, and who adds one need not write it down here as well.
    if setting.variable in ("SCENARIO", "MODEL"):
        assert any(said.startswith(setting.help) for said in found)
    else:
        assert setting.meaning in found


@pytest.mark.parametrize(
    "setting", [*bench_settings.LOAD, *bench_settings.SERVER], ids=lambda setting: setting.variable
)
def test_each_setting_of_the_benchmarks_with_its_default(setting: Setting) -> None:
    assert [setting.variable, setting.default or "unset"] in [row[:2] for row in _rows()]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_each_setting_of_the_server_with_its_default(row: object) -> None:
    assert [row.flag, row.variable, row.shown_default] in [cells[:3] for cells in _rows()]


@pytest.mark.parametrize("scenario", settings.scenarios())
def test_each_scenario(scenario: str) -> None:
    assert any(re.match(rf"{scenario}\b", row[0]) for row in _rows())


@pytest.mark.parametrize("model", STORY)
def test_each_model_of_the_story(model: str) -> None:
    assert any(re.match(rf"{model}\b", row[0]) for row in _rows())


def _table(*header: str) -> tuple[list[str], list[list[str]]]:
    """The first table whose header begins with these cells: its header, and its other rows."""
    rows = _rows()
    (at,) = [number for number, row in enumerate(rows) if row[: len(header)] == list(header)]
    width = len(rows[at])
    body = itertools.takewhile(lambda row: len(row) == width, rows[at + 2 :])
    return rows[at], list(body)


def _short(promise: Promise) -> str:
    return promise.name.lower().replace("_", "-")


def test_what_each_model_promises() -> None:
    """Exactly what the code says, of every model that is in the table, and all of the story are."""
    header, rows = _table("promise", "", STORY[0])
    assert set(STORY) <= set(header[2:])
    assert [row[:2] for row in rows] == [[_short(promise), promise.value] for promise in Promise]
    for column, model in enumerate(header[2:], 2):
        assert {row[column] for row in rows} <= {"✓", "-"}
        made = {row[0] for row in rows if row[column] == "✓"}
        assert made == {_short(promise) for promise in load(model).promises}, model


def test_why_each_model_does_not_promise_the_rest() -> None:
    header, _ = _table("promise", "", STORY[0])
    _, rows = _table("server", "does not promise", "because")
    said = [(model, promise, reason) for model, promises, reason in rows for promise in promises.split(", ")]
    stated = [
        (model, _short(promise), reason) for model in header[2:] for promise, reason in load(model).exceptions.items()
    ]
    assert sorted(said) == sorted(stated)


def test_the_pinned_make_targets_are_there() -> None:
    assert set(LAB_TARGETS) <= set(MAKE_TARGETS)
    assert set(command.VERBS) <= set(MAKE_TARGETS)


@pytest.mark.parametrize("target", MAKE_TARGETS)
def test_each_make_target(target: str) -> None:
    assert re.search(rf"`?make {target}\b", _readme())


def test_the_failure_names_are_the_pinned_ones() -> None:
    assert sorted(NAMES) == sorted(FAILURES)


@pytest.mark.parametrize("name", NAMES)
def test_each_failure_name(name: str) -> None:
    assert [name] in [row[:1] for row in _rows()]


@pytest.mark.parametrize("event", EVENTS)
def test_each_event_of_the_ledger_with_its_meaning(event: str) -> None:
    assert [event, EVENTS[event].replace("`", "")] in [row[:2] for row in _rows()]


def test_no_event_is_in_the_readme_alone() -> None:
    """The list is closed: what the table names, the code has."""
    table = _readme().partition("| event | meaning |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([^`]+)` \|", table, re.M) == list(EVENTS)


@pytest.mark.parametrize("code", sorted(VERDICT_CODES))
def test_each_exit_code(code: int) -> None:
    assert [str(code)] in [row[:1] for row in _rows()]


@pytest.mark.parametrize("path", re.findall(r"!\[[^]]*\]\(([^)]+)\)", text("README.md")))
def test_each_picture_is_there(path: str) -> None:
    assert (settings.ROOT / path).is_file()


COUNTERS = re.findall(r"^    \(\"(\w+)\", .*lambda counters", text("server/monitoring/metrics.py"), re.M)
GAUGES = re.findall(r"yield _gauge\(\"(\w+)\"", text("server/monitoring/metrics.py"))


@pytest.mark.parametrize("name", [*(f"{name}_total" for name in COUNTERS), *GAUGES])
def test_each_metric_of_the_server(name: str) -> None:
    assert len(COUNTERS) > 5
    assert len(GAUGES) > 3
    assert f"`_{name}`" in _readme() or f"`holdfast_server_{name}`" in _readme()


def test_what_the_commands_use_is_said_before_them() -> None:
    assert _readme().index('T="SCENARIO=') < _readme().index("$T")


@pytest.mark.parametrize("anchor", re.findall(r"\]\(#([^)]+)\)", text("README.md")))
def test_each_link_within_the_page_leads_somewhere(anchor: str) -> None:
    headings = re.findall(r"^#+ (.*)$", _readme(), re.M)
    assert anchor in [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


PYTHON = re.findall(r"^```python\n(.*?)^```$", text("README.md"), re.M | re.S)


@pytest.mark.parametrize("code", [code for code in PYTHON if "import" in code])
def test_each_program_can_be_read_by_python(code: str) -> None:
    compile(code, "README.md", "exec")


def test_the_framing_of_ones_own_finds_its_messages_however_the_stream_is_cut() -> None:
    (code,) = [code for code in PYTHON if "(Framing)" in code]
    names: dict[str, Any] = {}
    exec(code, names)
    framing = names["Typed"]()
    messages = [b"Pping", b"R", b"S" + bytes(300)]
    stream = b"".join(map(framing.encode, messages))
    for cut in CUTS:
        decoder = framing.decoder()
        assert feed(decoder, cut(stream + b"P\0")) == messages
        assert decoder.pending == 2
