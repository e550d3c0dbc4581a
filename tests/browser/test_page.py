"""One run at the page, from the start form to its files, with a real lab of local processes."""

import io
import json
import re
import zipfile
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page as Browser
from playwright.sync_api import expect

from tests.support.locust_fleet import LocustFleet, locust_fleet
from tests.support.server_process import running_server

USERS, CAP, PROCESSES = 90, 120, 3


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocustFleet]:
    flags = ("--app", "echo", "--processes", str(PROCESSES), "--max-connections", str(CAP))
    with running_server(*flags) as server, locust_fleet(tmp_path_factory.mktemp("browser"), server) as fleet:
        fleet.wait(lambda state: len(state["workers"]) == 2 and state["server"])
        yield fleet


@pytest.fixture(scope="module")
def browser(chromium: Chromium) -> Iterator[Browser]:
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if "Content Security Policy" in said.text else None)
    yield page
    page.close()
    assert errors == []


@pytest.fixture(scope="module")
def running(browser: Browser, fleet: LocustFleet) -> Browser:
    """The tab of a run that was started with the form, with all its connections held."""
    browser.goto(fleet.page.address)
    expect(browser.locator("input[name=host]")).to_have_value(re.compile(r"^tcp://.+:\d+$"))
    expect(browser.locator(".holdfast-about")).to_have_text(
        "Scenario hold · server select, holds at most 120 connections"
    )
    expect(browser.get_by_text("Azure")).to_be_hidden()
    browser.get_by_text("What users do, pace, thresholds").click()
    browser.get_by_label("p99 at most (ms)").fill("60000")
    browser.locator("input[name=spawnRate]").fill("60")
    browser.locator("input[name=userCount]").fill("500")
    expect(browser.get_by_text("The server holds 120: it refuses the other 380, or lets them wait.")).to_be_visible()
    browser.get_by_role("button", name="Start").click()
    expect(browser.get_by_role("alert")).to_contain_text(
        "500 users are above the 120 connections that the server holds"
    )
    browser.locator("input[name=userCount]").fill(str(USERS))
    browser.get_by_role("button", name="Start").click()
    fleet.wait(lambda state: state["held"] == state["server_held"] == USERS and state["steady"])
    return browser


@pytest.fixture(scope="module")
def ended(running: Browser, fleet: LocustFleet) -> Browser:
    """The same tab after Stop."""
    running.get_by_role("button", name="Stop").click()
    fleet.wait(lambda state: state["verdict"] and "verdict.json" in state["artefacts"])
    return running


def test_tab_opens_by_itself_and_shows_the_run(running: Browser) -> None:
    box = running.locator("#holdfast")
    expect(running.get_by_role("tab", selected=True)).to_have_text("Held connections")
    expect(box.locator(".facts")).to_contain_text("scenario hold")
    expect(box.locator(".facts")).to_contain_text("server select, at most 120")
    expect(box.locator(".tile.held")).to_contain_text("90 of 90")
    expect(box.locator(".tile.server .value")).to_have_text("90")
    expect(box.locator(".tile.p99")).to_contain_text("at most 60 s")
    expect(box.locator(".tile.failures")).to_contain_text("none allowed")


def test_run_has_the_threshold_of_the_form(running: Browser, fleet: LocustFleet) -> None:
    """Locust's page sends it under a name of its own making."""
    limits = {check["name"]: check["limit"] for check in fleet.page.state()["thresholds"]}
    assert limits["max_p99_ms"] == 60_000
    expect(running.locator(".thresholds tbody tr").last).to_contain_text("at most 60 s")


def test_each_process_of_the_server_has_a_cell(running: Browser) -> None:
    expect(running.locator("#holdfast .process")).to_have_text([f"{number}30" for number in range(PROCESSES)])
    expect(running.locator("#holdfast")).to_contain_text("3 of 3 processes serve, 30 connections each")


def test_charts_are_drawn_and_have_a_text(running: Browser) -> None:
    expect(running.locator("#holdfast .hf-chart canvas")).to_have_count(3)
    expect(running.get_by_role("img", name=re.compile("Held connections, .* clients 90 at the end"))).to_be_visible()


def test_workers_have_numbers_and_are_folded(running: Browser) -> None:
    box = running.locator("#holdfast section.workers")
    expect(box.get_by_role("row")).to_have_count(0)
    box.get_by_text("2 healthy workers").click()
    expect(box.get_by_role("rowheader")).to_have_text(["worker 1", "worker 2"])
    expect(box.get_by_role("columnheader", name="Lag p99 (ms)")).to_have_attribute("title", re.compile("loop"))


def test_text_stays_selected_while_figures_change(running: Browser, fleet: LocustFleet) -> None:
    running.locator("#holdfast .tile.held h3").select_text()
    seen = fleet.page.state()["elapsed_s"]
    fleet.wait(lambda state: state["elapsed_s"] > seen + 3)
    assert running.evaluate("getSelection().toString()").strip() == "Connections held"


def test_ended_run_has_its_verdict_in_words(ended: Browser, fleet: LocustFleet) -> None:
    word = str(fleet.page.state()["verdict"]["verdict"]).upper()
    expect(ended.locator("#holdfast").get_by_role("status").first).to_have_text(re.compile(rf"{word}$"))
    expect(ended.locator("#holdfast .said")).to_contain_text(re.compile("^The run "))
    expect(ended.locator("#holdfast .facts")).to_contain_text("ended after")
    expect(ended.locator("#holdfast .tile.held")).to_contain_text("least in the steady window")


def test_ended_run_offers_its_files(ended: Browser, fleet: LocustFleet) -> None:
    expect(ended.get_by_role("link", name="Summary")).to_be_visible()
    with ended.expect_download() as download:
        ended.get_by_role("link", name="All files (zip)").click()
    files = zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes()))
    (verdict,) = [name for name in files.namelist() if name.endswith("/verdict.json")]
    assert json.loads(files.read(verdict)) == fleet.verdict()
    address = ended.get_by_role("link", name="Report", exact=True).get_attribute("href")
    assert fleet.page.text(f"/{address}").startswith("<!")


def test_run_again_starts_the_same_run(ended: Browser, fleet: LocustFleet) -> None:
    before = fleet.page.state()
    ended.get_by_role("button", name="Run again").click()
    again = fleet.wait(lambda state: state["held"] == USERS)
    assert again["run"]["id"] != before["run"]["id"]
    assert again["last_start"] == before["last_start"]
    expect(ended.locator("#holdfast .facts")).to_contain_text("running")
    fleet.page.post("/stop")
    fleet.wait(lambda state: state["state"] == "stopped")
