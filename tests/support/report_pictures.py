"""Takes the pictures of reports and comparison in the docs, from runs as `make load` makes them; none is edited.

    python -m tests.support.report_pictures

The server of the first run is full, that of the second is not. Needs Chromium.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect, sync_playwright

from lab.reports import run_files
from rawsocket.master.reports.html import render
from tests.support.lab import ROOT

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DRILL = ("drill", "NAME=server-frozen", "ENGINE=native", "USERS=100", "EVERY=1")
# The page's users ask for more than the server's cap; a busy machine must not make the run unknown.
RUN = ("ENGINE=native", "USERS=150", "RATE=50", "TIME=20s", "EVERY=1", "MAX_CONNECTIONS=100", "MAX_LAG_MS=500")


@dataclass(frozen=True)
class Size:
    """The size of a window."""

    width: int
    height: int


DESK, PHONE = Size(1280, 800), Size(390, 844)


@contextmanager
def browser() -> Iterator[Browser]:
    """Return a browser."""
    path = next(filter(None, map(shutil.which, CHROMIUMS)))
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


def first_screen(chromium: Browser, report: Path, size: Size, theme: Any, picture: Path, canvases: int = 3) -> None:
    """Write a picture of what a report shows before anybody scrolls."""
    viewport = {"width": size.width, "height": size.height}
    window = chromium.new_page(viewport=viewport, color_scheme=theme)
    window.goto(report.resolve().as_uri())
    expect(window.locator("canvas")).to_have_count(canvases)
    window.screenshot(path=picture)
    window.close()


def make_run(*settings: str, make: tuple[str, ...] = ("load", *RUN)) -> Path:
    """Make a run of the pictures, with further settings; return its folder."""
    done = subprocess.run(["make", *make, *settings], cwd=ROOT, capture_output=True, text=True, check=False)
    found = re.search(r"Artefacts: (runs/\S+)/", done.stderr)
    assert found, done.stderr
    return ROOT / found[1]


def main() -> None:
    """Write all pictures."""
    full, fitting, drilled = make_run(), make_run("MAX_CONNECTIONS=200"), make_run(make=DRILL)
    found = [(run.name, run_files.read(run)) for run in (full, fitting)]
    page = full / "comparison.html"
    page.write_text(render.comparison(found), encoding="utf-8")
    with browser() as chromium:
        first_screen(chromium, full / "report.html", Size(1280, 1000), "light", ROOT / "docs/report.png")
        first_screen(chromium, full / "report.html", PHONE, "dark", ROOT / "docs/report-phone.png")
        first_screen(chromium, drilled / "report.html", Size(1280, 1000), "light", ROOT / "docs/report-drill.png")
        first_screen(chromium, page, Size(1280, 900), "light", ROOT / "docs/comparison.png", canvases=6)


if __name__ == "__main__":
    main()
