"""The report and the comparison in a real browser: charts, values on hover, phones, dark, print; nothing is loaded."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from rawsocket.master.reports.html import render
from rawsocket.master.reports.html.documents import RunDocuments
from tests.support import levels
from tests.support.documents import DRILL, failed, passed, timeline

EVENTS = [{"at_s": 1.0, "kind": "ramp-complete", "text": "all users started: 50", "label": "all users started"}]
HELD = [min(20, 10 * second) for second in range(60)]
FAILURES = [0.0] * 30 + [1.0] + [0.0] * 29
SAMPLES = timeline(60, held=HELD, server_held=HELD, failures_s=FAILURES)


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Iterator[Any]:
    """Open a page at a width; the test fails if it raised an error or loaded anything."""
    faults: list[str] = []
    contexts = []

    def open_at(text: str, width: int, scheme: Any = "light") -> Page:
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text))
        page.on("request", lambda request: request.url.startswith("file:") or faults.append(request.url))
        (tmp_path / "page.html").write_text(text, encoding="utf-8")
        page.goto((tmp_path / "page.html").as_uri())
        expect(page.locator("canvas").first).to_be_visible()
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert faults == []


def _report() -> str:
    drill = {**DRILL, "injected_s": 20.0, "healed_s": 26.0}
    document = failed(events=EVENTS, silences=[[20.0, 28.0]], drill=drill)
    return render.report(RunDocuments(document, SAMPLES))


def test_charts_have_all_figures_as_text(opened: Any) -> None:
    page = opened(_report(), 1280)
    alternatives = [one.get_attribute("aria-label") for one in page.get_by_role("img").all()]
    held, latency, rates = [text for text in alternatives if text]
    assert held.startswith("Held connections, 60 s: clients 20 at the end, 20 at most; server 20 at the end")
    assert "wanted 50" in held
    assert "steady window from 2 s to 12 s; fault from 20 s to 26 s; server silent from 20 s to 28 s" in held
    assert "all users started at 1 s" in held
    assert "p99 at most 1 s" in latency
    assert "failures 0 at the end, 1.0 at most" in rates
    expect(page.locator(".hf-events")).to_contain_text("all users started: 50")


def test_pointer_shows_the_values_of_its_second_on_all_charts(opened: Any) -> None:
    page = opened(_report(), 1280)
    page.locator(".u-over").first.scroll_into_view_if_needed()
    box = page.locator(".u-over").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 60 * 31, box["y"] + 20)
    titles = page.locator(".hf-title")
    expect(titles.nth(0)).to_have_text("Held connections at 31 s")
    expect(titles.nth(2)).to_have_text("Messages and failures a second at 31 s")
    expect(page.locator("[data-chart=held] b").first).to_have_text("20")
    expect(page.locator("[data-chart=rates] b").nth(1)).to_have_text("1.0")


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_charts_take_the_width_and_nothing_is_cut_off(opened: Any, width: int) -> None:
    page = opened(_report(), width, "dark")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    scrolls = "const { scrollWidth, clientWidth } = document.querySelector('.thresholds').parentNode; "
    table = page.evaluate(f"() => {{ {scrolls} return [scrollWidth, clientWidth]; }}")
    assert table[0] <= table[1], "the thresholds have to be scrolled"
    room = page.locator("#charts").bounding_box()["width"]
    drawn = page.locator("canvas").first.bounding_box()["width"]
    assert abs(drawn - room) <= 1
    page.set_viewport_size({"width": 700, "height": 900})
    page.wait_for_function("() => Math.abs(document.querySelector('canvas').clientWidth - charts.clientWidth) <= 1")


def _sections(page: Page) -> list[str]:
    """Return the parts of a report in the order in which they are shown."""
    parts = {
        "verdict": "header.verdict", "tiles": ".tiles", "thresholds": ".thresholds", "charts": "#charts",
        "levels": "#levels", "drill": "#drill",
    }  # fmt: skip
    at = {name: page.locator(selector).bounding_box()["y"] for name, selector in parts.items()}  # type: ignore[index]
    return sorted(at, key=lambda name: at[name])


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1440, 900), (390, 844)])
def test_levels_and_drill_stand_below_the_charts(opened: Any, width: int, height: int) -> None:
    """On a desk the first chart begins on the first screen, whatever the run had; a link leads to what is below."""
    shape = {"name": "spike", "text": "200 users, 400", "levels": 2, "line": "holds 200 users"}
    found = [levels.level(users=200), levels.level(number=2, users=400)]
    document = failed(drill={**DRILL, "injected_s": 20.0, "healed_s": 26.0}, shape=shape, levels=found)
    page = opened(render.report(RunDocuments(document, SAMPLES)), width)
    page.set_viewport_size({"width": width, "height": height})
    assert _sections(page) == ["verdict", "tiles", "thresholds", "charts", "levels", "drill"]
    if width >= 1280:
        expect(page.locator(".hf-chart canvas").first).to_be_in_viewport(ratio=0.5)
    for name, link in (("levels", "each level of the load shape"), ("drill", "what the drill predicted and measured")):
        page.get_by_role("link", name=link).click()
        expect(page.locator(f"#{name}")).to_be_in_viewport()


def test_y_axis_only_grows_while_a_run_goes_on(opened: Any) -> None:
    page = opened(_report(), 1280)
    tops = page.evaluate("""async () => {
        const draw = (held, began) => holdfastCharts(document.getElementById("charts"), { events: [], steady: null,
          limits: {}, live: true, timeline: { time_utc: [began], elapsed_s: [1], held: [held] } });
        const tops = [];
        for (const [held, began] of [[900, "a"], [10, "a"], [10, "b"]]) {
          const view = draw(held, began);
          await new Promise(requestAnimationFrame);
          tops.push(view.charts[0].u.scales.y.max);
        }
        return tops;
    }""")
    assert tops == [1000, 1000, 12]


def test_printed_charts_are_light_and_fit_the_paper(opened: Any, tmp_path: Path) -> None:
    page = opened(_report(), 1280, "dark")
    page.evaluate("addEventListener('beforeprint', () => setTimeout(() => { window.printed = canvasWidth() }))")
    page.evaluate("window.canvasWidth = () => document.querySelector('canvas').clientWidth")
    pdf = page.pdf(format="A4", print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 6
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function("() => canvasWidth() === 680")
    assert page.evaluate("getComputedStyle(charts).getPropertyValue('--hf-ink')") == "#1f2933"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.wait_for_function("() => canvasWidth() > 680")


def test_table_of_a_drill_fits_the_paper(opened: Any) -> None:
    page = opened(_report(), 680)
    page.emulate_media(media="print")
    table, room = (page.locator(selector).bounding_box()["width"] for selector in ("table.drill", "#charts"))
    assert table <= room


def test_compared_runs_have_the_same_axes(opened: Any) -> None:
    few = timeline(20, held=[5] * 20, server_held=[5] * 20)
    runs = [("a", RunDocuments(passed(thresholds=[]), few)), ("b", RunDocuments(failed(), SAMPLES))]
    page = opened(render.comparison(runs), 1280)
    expect(page.locator("canvas")).to_have_count(6)
    page.wait_for_function("""() => { const [a, b] = [...document.querySelectorAll(".charts")].map((box) => {
        const { charts } = holdfastCharts.of(box); return charts.map(({ u }) => [u.scales.x.max, u.scales.y.max]); });
      return JSON.stringify(a) === JSON.stringify(b) && a[0][0] >= 59; }""")
