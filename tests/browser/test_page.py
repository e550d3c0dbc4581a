"""The page in a real browser: the start form, Start, the held count rises, its tab, processes and chart, Stop."""

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page as Browser
from playwright.sync_api import expect, sync_playwright

from lab import page as ports
from tests.conftest import missing
from tests.support.lab import ROOT, Page, lab

PROJECT = f"holdfast-browser-{os.getpid()}"
SHOTS = ROOT / ".lab" / "screenshots"
USERS = 120
PROCESSES = 3
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path is None:
        missing("chromium", f"none of {', '.join(CHROMIUMS)} is installed")
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        chromium = playwright.chromium.launch(executable_path=path, args=flags)
        yield chromium.new_page(viewport={"width": 1280, "height": 900})
        chromium.close()


@pytest.fixture(scope="module")
def lab_page() -> Iterator[Page]:
    """A lab by whatever engine is here: what the browser sees is the same."""
    own = {"HOLDFAST_PROJECT": PROJECT}
    own |= {"PAGE_PORT": str(ports.free_port()), "SERVER_PORT": str(ports.free_port()), "PROCESSES": str(PROCESSES)}
    own["MAX_CONNECTIONS"] = str(USERS)  # each process holds its share of them, and no more
    try:
        up = lab("up", **own)
        assert up.returncode == 0, up.stderr
        address = re.search(r"http://127\.0\.0\.1:\d+", up.stdout)
        assert address
        yield Page(address[0])
    finally:
        lab("down", **own)


def test_start_watch_and_stop_a_run_in_the_browser(browser: Browser, lab_page: Page) -> None:
    errors: list[str] = []
    browser.on("pageerror", lambda error: errors.append(str(error)))
    SHOTS.mkdir(parents=True, exist_ok=True)

    browser.goto(lab_page.address)
    expect(browser.locator("input[name=host]")).to_have_value(re.compile(r"^tcp://.+:\d+$"))
    browser.get_by_text("Custom parameters").click()
    expect(browser.locator("input[name=every]")).to_be_visible()
    browser.locator("input[name=userCount]").fill(str(USERS))
    browser.locator("input[name=spawnRate]").fill("60")
    browser.screenshot(path=SHOTS / "start.png")
    browser.get_by_role("button", name=re.compile("start", re.I)).click()

    lab_page.wait(lambda state: state["held"] == state["server_held"] == USERS)
    browser.get_by_role("tab", name="Held connections").click()
    expect(browser.get_by_role("cell", name=str(USERS), exact=True).first).to_be_visible()
    expect(browser.get_by_role("cell", name=f"select: {PROCESSES} of {PROCESSES} processes, 40 each")).to_be_visible()
    processes = browser.locator("#holdfast-chart .process")
    expect(processes).to_have_text([f"{number}{USERS // PROCESSES}" for number in range(PROCESSES)])
    expect(browser.locator("#holdfast-chart svg")).to_be_visible()
    browser.wait_for_timeout(4000)  # for the picture alone: a chart of a few seconds
    browser.screenshot(path=SHOTS / "held.png")

    browser.get_by_role("button", name=re.compile("stop", re.I)).click()
    lab_page.wait(lambda state: state["held"] == 0)
    browser.screenshot(path=SHOTS / "stopped.png")
    assert errors == []
