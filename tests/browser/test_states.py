"""What the page shows in states that a real lab reaches slowly; the lab's answers are made up (page_states.py)."""

import json
import re
from itertools import pairwise

from playwright.sync_api import Locator, expect

from tests.support import page_states
from tests.support.canned_page import ADDRESS, CannedPage

UNKNOWN = "\N{EN DASH}"
WIDTHS = (390, 768, 1280, 1920)


def _box(page: CannedPage) -> Locator:
    return page.browser.locator("#holdfast")


def _chart(page: CannedPage) -> Locator:
    return _box(page).locator('.hf-chart[data-chart="held"] .hf-plot')


def _word(page: CannedPage) -> Locator:
    return _box(page).locator(".status")


#: The word of each state with its sign, and the sentence beside it.
SAID = {
    "starting": ("○starting", "Users are being started: 340 of 800 connections are held."),
    "running": ("✓on track", "Steady for 0:36: every threshold is met so far."),
    "full-server": ("!in trouble", "Missed so far: 3,591 failures; none were allowed."),
    "frozen-server": ("!in trouble", "In trouble since 0:30 of the run."),
    "lost-worker": ("!in trouble", "Missed so far: held is 400, at least 800."),
    "pass": ("✓PASS", "The run passed. 800 of 800 connections held for 54 s, no failures, p99 latency 4.21 ms"),
    "fail": ("✕FAIL", "The run failed. The server holds 1,000 connections (its cap) and refused 3,591 connects"),
    "unknown": (
        "?UNKNOWN",
        "The run says nothing about the server. Worker 2 was lost: the kernel killed it for lack of memory",
    ),
}


def test_status_is_a_sign_a_word_and_a_sentence(page: CannedPage) -> None:
    page.open("starting")
    assert tuple(SAID) == page_states.NAMES
    for name, (word, sentence) in SAID.items():
        page.become(name)
        expect(_word(page)).to_have_text(word)
        expect(_box(page).locator(".said")).to_have_text(sentence)


def test_status_is_read_out(page: CannedPage) -> None:
    page.open("running")
    expect(_box(page).get_by_role("status").first).to_contain_text("on track")
    page.become("fail")
    expect(_box(page).get_by_role("status").first).to_contain_text("FAIL")


#: The strip of each state with a problem.
ALERTS = {
    "full-server": "!Server full: it holds 1,000; 500 users are refused. Set MAX_CONNECTIONS or MODEL=epoll",
    "frozen-server": "!Server silent for 12 s, 148 replies overdue",
    "lost-worker": "!Worker 2 lost: it went missing",
}


def test_problem_has_a_strip_while_it_lasts(page: CannedPage) -> None:
    page.open("running")
    for name, text in ALERTS.items():
        page.become(name)
        expect(_box(page).locator(".alerts li")).to_have_text([text])
        page.become("running")
        expect(_box(page).locator(".alerts")).to_be_hidden()


def test_two_workers_with_the_same_problem_have_a_strip_each(page: CannedPage) -> None:
    page.open("running")
    assert page.state
    alerts = [{"name": "generator-slow", "text": f"Worker {number} was late", "since_s": 18.2} for number in (1, 2)]
    for at_s in (19.0, 20.0, 21.0):  # each answer of the lab draws them again
        page.state |= {"alerts": alerts, "elapsed_s": at_s}
        expect(_box(page)).to_contain_text(f"0:{at_s:.0f}")
        expect(_box(page).locator(".alerts li")).to_have_text(["!Worker 1 was late", "!Worker 2 was late"])


def test_dead_task_of_the_master_is_a_problem(page: CannedPage) -> None:
    page.open("running")
    assert page.state
    page.state |= {"dead_tasks": {"clock": "ValueError: negative"}}
    expect(_box(page).locator(".alerts li")).to_have_text(["!A task of the master died (clock): ValueError: negative"])


def test_no_answer_from_the_lab_is_said_by_the_page_itself(page: CannedPage) -> None:
    page.open("running")
    expect(_word(page)).to_contain_text("on track")
    answers, page.state = page.state, None
    expect(_word(page)).to_have_text("!no answer")
    expect(_box(page).locator(".alerts li")).to_have_text(re.compile(r"No answer from the lab for \d+\ss"))
    page.state = answers
    expect(_word(page)).to_have_text("✓on track")
    expect(_box(page).locator(".alerts")).to_be_hidden()


def test_tile_shows_that_its_threshold_is_missed(page: CannedPage) -> None:
    page.open("fail")
    failures, p99 = _box(page).locator(".tile.failures"), _box(page).locator(".tile.p99")
    expect(failures).to_have_class(re.compile("is-missed"))
    expect(failures).to_contain_text("3,591 refused: server full")
    expect(failures).to_contain_text("✕ missed: none allowed, is 3,591")
    expect(failures.locator(".note")).not_to_contain_text("none allowed")
    expect(_box(page).locator(".tile.held")).to_contain_text("✕ missed: at least 1,500, is 1,000")
    expect(p99).not_to_have_class(re.compile("is-missed"))
    expect(p99.locator(".missed")).to_be_hidden()


def test_thresholds_have_limit_actual_and_result_in_words(page: CannedPage) -> None:
    page.open("fail")
    rows = _box(page).locator(".thresholds tbody tr")
    expect(rows).to_have_count(3)
    assert [row.locator("th, td").all_inner_texts() for row in rows.all()] == [
        ["held", "at least 1,500", "1,000", "✕ missed"],
        ["failures", "none allowed", "3,591", "✕ missed"],
        ["p99 latency from due", "at most 1 s", "5.1 ms", "✓ met"],
    ]


def test_failed_run_has_a_remedy_and_all_its_reasons(page: CannedPage) -> None:
    page.open("fail")
    expect(_box(page).locator(".remedy")).to_have_text("What to try: Set MAX_CONNECTIONS or MODEL=epoll")
    _box(page).get_by_text("All reasons").click()
    expect(_box(page).locator(".headline li")).to_have_text(
        ["3,591 failures; none were allowed", "held 1,000; at least 1,500 were demanded"]
    )


def test_only_lost_workers_are_unfolded(page: CannedPage) -> None:
    page.open("lost-worker")
    rows = _box(page).locator("section.workers tbody tr:visible")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("✕ lost: it went missing")
    expect(_box(page).get_by_text("1 healthy worker")).to_be_visible()
    right = rows.locator("td").last.evaluate("node => getComputedStyle(node).textAlign")
    assert right == "right"


def test_server_in_the_place_of_ours_has_its_name_cpu_and_memory(page: CannedPage) -> None:
    page.open("running")
    assert page.state
    used = {"cpu_share": 0.42, "memory_bytes": 12_300_000, "memory_limit_bytes": 1 << 30, "restarts": 0}
    server = {"source": "engine", "name": "SERVER_IMAGE=redis:7", **used}
    limits = {**page.state["limits"], "cap": None}
    page.state |= {"server": server, "server_held": None, "limits": limits}
    expect(_box(page).locator(".facts")).to_contain_text("server SERVER_IMAGE=redis:7")
    expect(_box(page).locator(".tile.server")).to_contain_text("the server can't be asked")
    expect(_box(page).locator(".server table tr:not([hidden])")).to_have_text(["CPU42 %", "Memory12 MB"])


def test_silent_server_keeps_its_name_and_its_cap(page: CannedPage) -> None:
    page.open("running")
    expect(_box(page).locator(".facts")).to_contain_text("server select, at most 1,000")
    page.become("frozen-server")
    expect(_box(page).locator(".tile.server")).to_contain_text("the server does not answer")
    expect(_box(page).locator("section.server")).to_contain_text("The server does not answer on its admin port")
    expect(_box(page).locator(".facts")).to_contain_text("server select, at most 1,000")


def test_layout_stays_when_the_run_ends(page: CannedPage) -> None:
    page.open("running")
    expect(_word(page)).to_contain_text("on track")
    parts = "#holdfast .tiles, #holdfast .charts, #holdfast .thresholds"
    places = f"[...document.querySelectorAll('{parts}')].map(node => node.classList[0])"
    before = page.browser.evaluate(places)
    expect(_box(page).get_by_role("link", name="Report", exact=True)).to_be_hidden()
    page.become("pass")
    expect(_box(page).get_by_role("link", name="Report", exact=True)).to_be_visible()
    assert page.browser.evaluate(places) == before


def test_new_run_shows_no_figure_of_the_one_before(page: CannedPage) -> None:
    page.open("fail")
    expect(_box(page).locator(".tile.failures .value")).to_have_text("3,591")
    assert page.state
    page.state = page.state | {"beginning": True}
    expect(_box(page).locator(".said")).to_have_text("The run is about to start.")
    expect(_box(page).locator(".tile.failures .value")).to_have_text("\u2013")
    expect(_box(page).locator(".thresholds tbody tr")).to_have_count(0)
    expect(_box(page).locator(".hf-events li")).to_have_count(0)


def test_figures_and_charts_of_different_runs_are_not_shown_together(page: CannedPage) -> None:
    page.open("running")
    expect(_box(page).locator(".tile.held")).to_contain_text("800")
    assert page.state
    page.timeline = page.timeline | {"run": "another"}
    page.state = page.state | {"held": 5}
    for _ in range(2):
        with page.browser.expect_request("**/lab/timeline.json"):
            pass
    expect(_box(page).locator(".tile.held")).to_contain_text("800")


def test_refused_second_run_says_why(page: CannedPage) -> None:
    page.open("pass")
    page.answer = {
        "success": False,
        "message": "1,500 users are above the cap. Press Start again to start it all the same.",
    }
    page.browser.get_by_role("button", name="Run again").click()
    expect(_box(page).locator(".links")).to_contain_text("above the cap. Press it again to start it all the same.")
    assert page.posted == ["user_count=800&spawn_rate=200"]


def test_page_of_locust_that_missed_the_end_is_loaded_again(page: CannedPage) -> None:
    """Locust's page asks no more once it has seen a state that it does not expect."""
    page.open("running")
    expect(_word(page)).to_contain_text("on track")
    page.browser.route("**/stats/requests", lambda route: route.abort())
    page.become("pass")
    expect(page.browser.get_by_role("button", name="New")).to_be_visible()
    expect(_word(page)).to_have_text("✓PASS")


def test_nothing_is_wider_than_the_window(page: CannedPage) -> None:
    page.open("lost-worker")
    for width in WIDTHS:
        page.browser.set_viewport_size({"width": width, "height": 900})
        canvas = _box(page).locator(".hf-chart canvas").first
        expect(canvas).to_be_visible()
        page.browser.wait_for_function(f"() => document.documentElement.scrollWidth <= {width}")
        table = _box(page).locator(".thresholds table").bounding_box()
        assert table
        assert table["x"] + table["width"] <= width


def test_series_of_the_target_are_a_table_that_fits_a_telephone(page: CannedPage) -> None:
    section = _box(page).get_by_role("region", name="The target's own metrics")
    page.open("running")
    expect(_word(page)).to_have_text("✓on track")
    expect(section).to_be_hidden()
    name = 'rate(http_server_requests_seconds_count{method="GET",status="200",uri="/actuator/health"})'
    series = [
        {"name": name, "now": 12345.6, "min": 0, "mean": 0.25, "max": 123456789.0},
        {"name": "queue_length", "now": None, "min": None, "mean": None, "max": None},
    ]
    assert page.state
    page.state["target_metrics"] = {"url": "http://app:9100/metrics", "error": "", "series": series}
    rows = section.locator("tbody tr")
    expect(rows).to_have_text([f"{name}12,35000.25123.5M", f"queue_length{UNKNOWN * 4}"])
    page.state["target_metrics"]["error"] = "refused"
    expect(section).to_contain_text("✕ http://app:9100/metrics does not answer: refused")
    page.browser.set_viewport_size({"width": 390, "height": 900})
    page.browser.wait_for_function("document.documentElement.scrollWidth <= 390")
    fits = "document.querySelector('.target-metrics .wide').scrollWidth <= 390"
    page.browser.wait_for_function(fits)  # all columns are in sight


def test_states_are_complete() -> None:
    for name in page_states.NAMES:
        assert json.dumps(page_states.state(name))
        assert len({len(column) for column in page_states.timeline(name).values() if isinstance(column, list)}) == 1
    assert ADDRESS.startswith("http://")


def test_levels_of_a_load_shape_are_a_table_and_shaded_in_the_charts(page: CannedPage) -> None:
    page.open("running")
    expect(_box(page).locator(".levels")).to_be_hidden()
    page.become("load-shape")
    expect(_box(page).locator(".levels h3")).to_contain_text("Load shape: 200 users, 400 for 12 s, and 800 again")
    expect(_box(page).locator(".said")).to_have_text("Level 3 of 4, 800 users: held for 0:09.")
    rows = _box(page).locator(".levels tbody tr")
    expect(rows).to_have_count(3)
    assert [row.locator("th, td").all_inner_texts() for row in rows.all()] == [
        ["200 users", "✓ passed", "200", "0.42", "3.1", "20.0", "0", "12 %", ""],
        ["400 users", "✕ failed", "400", "0.42", "1,310", "40.0", "0", "12 %",
         "the p99 latency from due was 1.31 s; at most 1 s was allowed"],
        ["800 users", "held for 0:09", "800", "0.60", "4.2", "80.1", "0", "12 %", ""],
    ]  # fmt: skip
    page.browser.set_viewport_size({"width": 390, "height": 900})  # all but p50 and the server's CPU, without scrolling
    page.browser.wait_for_function("(({ scrollWidth }) => scrollWidth <= 358)(document.querySelector('.levels .wide'))")
    expect(rows.nth(1).locator("td").last).to_be_in_viewport()
    expect(_chart(page)).to_have_attribute(
        "aria-label", re.compile("200 users from 3 s to 14 s; ✗ 400 users from 18 s to 30 s")
    )


def test_fault_of_a_drill_and_silences_are_shaded_in_the_charts(page: CannedPage) -> None:
    page.open("frozen-server")
    latest = _box(page).locator('.hf-chart[data-chart="latency"] .hf-key')
    expect(latest).to_have_text([f"p50 {UNKNOWN}", f"p99 {UNKNOWN}"])  # as the tile has it
    expect(_chart(page)).to_have_attribute("aria-label", re.compile("; server silent from 30 s to 42 s"))
    page.become("drill")
    expect(_chart(page)).to_have_attribute("aria-label", re.compile("; fault from 30 s to 42 s"))
    said = _box(page).locator(".said")
    expect(said).to_have_text("The fault of the drill began at 0:30. Missed so far: 128 failures; none were allowed.")
    assert page.state
    page.state["drill"] = [30.2, 38.4]
    expect(said).to_contain_text("The fault of the drill was healed at 0:38. Missed so far")
    page.become("running")
    expect(_chart(page)).not_to_have_attribute("aria-label", re.compile("fault|silent"))


def test_labels_of_events_that_come_together_do_not_overlap(page: CannedPage) -> None:
    page.open("drill")
    expect(_chart(page)).to_have_attribute("aria-label", re.compile("worker lost at 31 s"))
    page.browser.set_viewport_size({"width": 390, "height": 900})
    page.browser.wait_for_function("document.querySelector('#holdfast canvas').clientWidth < 390")
    charts = "holdfastCharts.of(document.querySelector('#holdfast .charts'))"
    labels = page.browser.evaluate(f"{charts}.labels()")
    assert [label["name"] for label in labels] == ["all users started", "fault", "replies overdue", "worker lost (2)"]
    for row in (0, 1, 2):
        placed = [(label["start"], label["start"] + label["wide"]) for label in labels if label["row"] == row]
        assert all(before[1] < after[0] for before, after in pairwise(placed)), labels
