import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page as Browser
from playwright.sync_api import expect, sync_playwright

from tests.conftest import missing
from tests.support.canned_page import CannedPage

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    path = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path is None:
        missing("chromium", f"none of {', '.join(CHROMIUMS)} is installed")
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        chromium = playwright.chromium.launch(executable_path=path, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def window(chromium: Chromium) -> Iterator[Browser]:
    """One window for all tests: a new one would compile Locust's script again."""
    window = chromium.new_page(viewport={"width": 1280, "height": 900})
    yield window
    window.close()


@pytest.fixture
def page(window: Browser) -> Iterator[CannedPage]:
    errors: list[str] = []
    window.set_viewport_size({"width": 1280, "height": 900})
    window.on("pageerror", lambda error: errors.append(str(error)))
    page = CannedPage(window)
    yield page
    window.unroute_all(behavior="ignoreErrors")
    assert errors == []
