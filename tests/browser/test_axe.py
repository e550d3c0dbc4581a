"""axe (github.com/dequelabs/axe-core) looks at tab, start form, report and comparison: nothing serious or critical."""

import importlib.util
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page as Browser
from playwright.sync_api import expect

from rawsocket.master.reports.html import render
from rawsocket.master.reports.html.documents import FailureDocument, RowDocument, RunDocuments
from tests.support.canned_page import CannedPage
from tests.support.documents import TIMES, failed, passed, timeline

SERIOUS = ("serious", "critical")


@cache
def _axe() -> str:
    """Return axe's script, which comes in a package for Python."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec, "axe-playwright-python is not installed: requirements-dev.txt has it"
    assert spec.submodule_search_locations
    (script,) = Path(spec.submodule_search_locations[0]).glob("**/axe.min.js")
    return script.read_text()


@pytest.fixture(scope="module", params=["light", "dark"])
def window(chromium: Chromium, request: pytest.FixtureRequest) -> Iterator[Browser]:
    window = chromium.new_page(viewport={"width": 1280, "height": 900}, color_scheme=request.param)
    yield window
    window.close()


def _complaints(window: Browser, selector: str) -> list[str]:
    window.evaluate(_axe())
    found = window.evaluate(f"axe.run({json.dumps(selector)}, {{ resultTypes: ['violations'] }})")
    return [
        f"{rule['id']}: {node['html']} {node['failureSummary']}"
        for rule in found["violations"]
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]


def test_nothing_serious_in_the_tab(window: Browser) -> None:
    page = CannedPage(window)
    page.open("running")
    words = {"running": "on track", "load-shape": "on track", "full-server": "in trouble", "lost-worker": "in trouble"}
    for name in ("running", "load-shape", "full-server", "lost-worker", "pass", "fail", "unknown"):
        page.become(name)
        word = words.get(name, name.upper())
        expect(window.locator("#holdfast .status")).to_contain_text(word)
        expect(window.locator("#holdfast .hf-chart canvas")).to_have_count(3)
        assert _complaints(window, "#holdfast") == []
    page.state = None
    expect(window.locator("#holdfast .status")).to_contain_text("no answer")
    assert _complaints(window, "#holdfast") == []
    window.unroute_all(behavior="ignoreErrors")


def test_nothing_serious_in_our_part_of_the_start_form(window: Browser) -> None:
    page = CannedPage(window)
    page.open("ready")
    window.get_by_text("What users do, pace, thresholds").click()
    expect(window.get_by_label("p99 at most (ms)")).to_be_visible()
    assert _complaints(window, ".holdfast-fields") == []
    window.unroute_all(behavior="ignoreErrors")


def _run(document: dict[str, Any]) -> RunDocuments:
    rows = [RowDocument("TCP", "message", 57, 3, 1140, TIMES, TIMES)]
    kinds = [FailureDocument("server-full", 30, ["connect"], {2: 20, 3: 10}, "ERR server full")]
    times = {590: 50, 6115: 7}
    host = {"engine": "native", "git": "80c07bc", "repeat": "make load USERS=50", "images": {"server": "sha256:1"}}
    environment = {"settings": {"users": 50}, "versions": {"python": "3.13"}, "host": host}
    return RunDocuments(document, timeline(), environment, rows, kinds, times, times, ("summary.md",))


def test_nothing_serious_in_reports(window: Browser, tmp_path: Path) -> None:
    unknown = passed(verdict="unknown", exit_code=4, reasons=["The run was interrupted", "Another"], thresholds=[])
    ends = {"pass": passed(), "fail": failed(), "unknown": unknown}
    runs = [(name, _run(document)) for name, document in ends.items()]
    pages = {name: render.report(run) for name, run in runs} | {"comparison": render.comparison(runs)}
    pages["index"] = render.index([(name, document, True) for name, document in ends.items()])
    for name, text in pages.items():
        (tmp_path / f"{name}.html").write_text(text, encoding="utf-8")
        window.goto((tmp_path / f"{name}.html").as_uri())
        window.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert _complaints(window, "html") == [], name
