"""The form that starts a run, in a real browser; the lab's answers are made up (page_states.py)."""

import re

from playwright.sync_api import expect

from tests.support.canned_page import CannedPage


def test_start_form_has_groups_labels_and_help(page: CannedPage) -> None:
    page.open("ready")
    page.browser.get_by_text("What users do, pace, thresholds").click()
    groups = page.browser.locator(".holdfast-fields > *").evaluate_all(
        "nodes => nodes.map(n => n.matches('h3') ? n.textContent : n.querySelector('input, select').name)"
    )
    assert groups == [
        *("What users do", "size", "timeout", "Pace", "every", "pace", "arrivals"),
        *("Thresholds", "maxP99Ms", "maxFailures", "minHeld", "minMessagesS", "maxSilentConnections", "maxLagMs"),
        *("maxP50Ms", "maxP95Ms", "maxP999Ms"),
    ]
    field = page.browser.get_by_label("p99 at most (ms)")
    expect(field).to_have_value("1000")
    expect(field).to_have_accessible_description(re.compile(r"p99 of the latency .* Default: 1000\."))
    page.browser.locator("input[name=userCount]").fill("0")
    expect(page.browser.get_by_text("A run needs at least 1 user.")).to_be_visible()


def test_form_in_the_dialog_of_a_new_run_has_the_same_labels(page: CannedPage) -> None:
    page.open("pass")
    page.browser.get_by_role("button", name="New").click()
    page.browser.get_by_text("What users do, pace, thresholds").click()
    expect(page.browser.get_by_label("p99 at most (ms)")).to_be_visible()
