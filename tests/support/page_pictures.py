"""Takes the pictures of docs/page.md, with made-up answers of a lab (page_states.py).

    python -m tests.support.page_pictures
    python -m tests.support.page_pictures http://127.0.0.1:8089

With the address of a lab's page, it takes docs/page.png instead: that page, as it is at the moment. Needs Chromium. A
picture shows the first screen of the page, or all of it.
"""

import shutil
import sys
from dataclasses import dataclass

from playwright.sync_api import Browser, expect, sync_playwright

from tests.support.canned_page import CannedPage
from tests.support.lab import ROOT

FOLDER = ROOT / "docs/page"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Picture:
    """One picture: the state that it shows, the window's size, its theme."""

    name: str
    state: str
    width: int
    height: int
    theme: str = "light"


PICTURES = (
    Picture("start", "ready", 1280, 1400),
    Picture("starting", "starting", 768, 760),
    Picture("running", "running", 1920, 1060),
    Picture("full-server", "full-server", 1280, 960, "dark"),
    Picture("frozen-server", "frozen-server", 1280, 960),
    Picture("lost-worker", "lost-worker", 768, 1860, "dark"),
    Picture("drill", "frozen-by-a-drill", 1280, 960),
    Picture("levels", "load-shape", 1280, 1240),
    Picture("pass", "pass", 1280, 960, "dark"),
    Picture("fail", "fail", 1280, 1000),
    Picture("fail-phone", "fail", 390, 1000, "dark"),
    Picture("unknown", "unknown", 1280, 1000),
)


def take(chromium: Browser, picture: Picture) -> None:
    """Write one picture."""
    size = {"width": picture.width, "height": picture.height}
    window = chromium.new_page(viewport=size, color_scheme="dark" if picture.theme == "dark" else "light")
    CannedPage(window).open(picture.state)
    if picture.state == "ready":
        window.get_by_text("What users do, pace, thresholds").click()
        expect(window.get_by_label("p99 at most (ms)")).to_be_visible()
        window.wait_for_timeout(500)  # the fields unfold
    else:
        expect(window.locator("#holdfast .hf-chart canvas")).to_have_count(3)
    window.screenshot(path=FOLDER / f"{picture.name}.png", animations="disabled")
    window.close()


def take_live(chromium: Browser, address: str) -> None:
    """Write the picture of a run that a lab makes."""
    window = chromium.new_page(viewport={"width": 1280, "height": 960})
    window.goto(address)
    expect(window.locator("#holdfast .hf-chart canvas")).to_have_count(3)
    window.screenshot(path=FOLDER.parent / "page.png")
    window.close()


def main(address: str = "") -> None:
    """Write all pictures, or that of the page at an address."""
    path = next(filter(None, map(shutil.which, CHROMIUMS)))
    FOLDER.mkdir(exist_ok=True)
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        if address:
            take_live(chromium, address)
        for picture in () if address else PICTURES:
            take(chromium, picture)
        chromium.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
