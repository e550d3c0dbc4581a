"""axe (github.com/dequelabs/axe-core) looks at the tab and at the start form: nothing serious or critical."""

import importlib.util
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page as Browser
from playwright.sync_api import expect

from tests.support.canned_page import CannedPage

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
    for name in ("running", "full-server", "lost-worker", "pass", "fail", "unknown"):
        page.become(name)
        word = {"running": "on track", "full-server": "in trouble", "lost-worker": "in trouble"}.get(name, name.upper())
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
