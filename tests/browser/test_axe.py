"""axe (github.com/dequelabs/axe-core) looks at tab, start form and all reports: nothing serious or critical."""

import importlib.util
import json
import re
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
from tests.support.documents import DRILL, TIMES, failed, passed, timeline

SERIOUS = ("serious", "critical")
IN_TROUBLE = ("full-server", "lost-worker", "frozen-server", "frozen-by-a-drill", "drill")


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
    if not window.evaluate("'axe' in window"):
        window.evaluate(_axe())
    found = window.evaluate(f"axe.run({json.dumps(selector)}, {{ resultTypes: ['violations'] }})")
    return [
        f"{rule['id']}: {node['html']} {node['failureSummary']}"
        for rule in found["violations"]
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]


def _complaints_of_tab(window: Browser, word: str) -> list[str]:
    """Return the complaints once the tab has this word as its status."""
    expect(window.locator("#holdfast .status")).to_contain_text(word)
    expect(window.locator("#holdfast .hf-chart canvas")).to_have_count(3)
    return _complaints(window, "#holdfast")


def test_nothing_serious_in_the_tab(window: Browser) -> None:
    page = CannedPage(window)
    page.open("running")
    for name in ("running", "load-shape", *IN_TROUBLE):
        page.become(name)
        assert _complaints_of_tab(window, "in trouble" if name in IN_TROUBLE else "on track") == [], name
    page.state = None
    assert _complaints_of_tab(window, "no answer") == []
    # Last: where Locust's own page shows another state than the lab's for seconds, the tab loads the page again.
    for name in ("pass", "fail", "unknown"):
        page.become(name)
        assert _complaints_of_tab(window, name.upper()) == [], name
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
    drilled = passed(drill={**DRILL, "injected_s": 4.0, "healed_s": 6.0}, silences=[[4.5, 6.5]])
    ends = {"pass": passed(), "fail": failed(), "unknown": unknown, "drill": drilled}
    runs = [(name, _run(document)) for name, document in ends.items()]
    pages = {name: render.report(run) for name, run in runs} | {"comparison": render.comparison(runs)}
    pages["index"] = render.index([(name, document, True) for name, document in ends.items()])
    refused = {"epoll": {"delay": "the kernel has no netem"}}
    names = [(DRILL["name"], DRILL["text"]), ("delay", "all packets are late")]
    pages["drills"] = render.drills(names, [("a", {**drilled["drill"], "server": "select"})], refused)
    for name, text in pages.items():
        (tmp_path / f"{name}.html").write_text(text, encoding="utf-8")
        window.goto((tmp_path / f"{name}.html").as_uri())
        window.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert _complaints(window, "html") == [], name


def _luminance(color: tuple[float, ...]) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _over(below: tuple[float, ...], color: str) -> tuple[float, ...]:
    """Return the colour, as CSS has it, on top of another."""
    if color.startswith("#"):
        return tuple(int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    *values, alpha = map(float, re.findall(r"[\d.]+", color))
    return tuple(under * (1 - alpha) + value / 255 * alpha for under, value in zip(below, values, strict=True))


def test_labels_of_shaded_times_can_be_read(window: Browser) -> None:
    """axe can't see what is drawn on a canvas: where all shades lie above each other, the contrast is 4.5 at least.

    All labels of shades have one colour; a mark of an event may have the same words, but none is a steady window.
    """
    window.add_init_script("""window.drawn = {}; const draw = CanvasRenderingContext2D.prototype.fillText;
      CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {
        window.drawn[text] = this.fillStyle; return draw.call(this, text, ...at); };""")
    CannedPage(window).open("frozen-by-a-drill")
    window.wait_for_function("() => window.drawn['steady window']")
    shades = """() => { const style = getComputedStyle(document.querySelector("#holdfast .hf-charts"));
      return ["steady", "failed", "silent"].map((name) => style.getPropertyValue(`--hf-${name}`).trim()); }"""
    dark = window.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    paper: tuple[float, ...] = _over((), "#121212" if dark else "#ffffff")
    for shade in window.evaluate(shades):
        paper = _over(paper, shade)
    ink = _over(paper, window.evaluate("window.drawn['steady window']"))
    light, low = sorted((_luminance(paper), _luminance(ink)), reverse=True)
    assert (light + 0.05) / (low + 0.05) >= 4.5
    window.unroute_all(behavior="ignoreErrors")
