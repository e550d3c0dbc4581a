import re
from html.parser import HTMLParser
from typing import Any

import pytest

from rawsocket.master.reports.html import render
from rawsocket.master.reports.html.documents import FailureDocument, RowDocument, RunDocuments
from tests.support import levels
from tests.support.documents import WORKER, failed, passed, timeline

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>'\""
TIMES = {100 + 7 * value: 1 + value % 5 for value in range(2000)}


class Page(HTMLParser):
    """The addresses that a page would load, its texts, and the attributes of its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href", "action", "data")]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] and self.tags[-1][0] not in ("script", "style"):
            self.texts.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(filter(None, self.texts))


def report(document: dict[str, Any], **more: Any) -> str:
    return render.report(RunDocuments(document, **{"timeline": timeline(), **more}))


def test_first_screen_leads_with_the_verdict_its_cause_and_what_to_try() -> None:
    text = Page(report(failed())).text
    parts = ("Holdfast:", "FAIL", "The server holds 20 connections (its cap)", "What to try:", "Set MAX_CONNECTIONS")
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert text.index("Set MAX_CONNECTIONS") < text.index("20 of 50") < text.index("✗ missed") < text.index("Over time")
    assert "✓ met" in text


@pytest.mark.parametrize(("verdict", "sign"), [("pass", "✓"), ("fail", "✗"), ("unknown", "?"), ("running", "…")])
def test_verdict_is_not_told_by_colour_alone(verdict: str, sign: str) -> None:
    assert f"Holdfast: {sign} {verdict.upper()}" in Page(report(passed(verdict=verdict))).text


def test_report_loads_nothing_from_elsewhere() -> None:
    page = report(failed(), files=("summary.md", "locust.html"))
    assert Page(page).addresses == ["summary.md", "locust.html"]
    assert "default-src 'none'" in page
    assert not re.search(r"@import|url\(|<link", page)


def test_report_of_ten_minutes_has_at_most_150_kb() -> None:
    seconds = 600
    changing = {
        "messages_s": [1000 + 3.7 * second for second in range(seconds)],
        "p50_ms": [0.5 + second / 987 for second in range(seconds)],
        "p99_ms": [2 + second / 9.87 for second in range(seconds)],
    }
    rows = [RowDocument("TCP", f"row {n}", 12_345, 67, 89, {"p50": 1.234, "p99": 5.678}) for n in range(20)]
    failures = [FailureDocument(f"kind {n}", 5, ["a"], {s: s for s in range(seconds)}, "x" * 100) for n in range(10)]
    more = {"rows": rows, "failures": failures, "due": TIMES, "sent": {us // 2: n for us, n in TIMES.items()}}
    page = report(failed(), **{"timeline": timeline(seconds, **changing), **more})
    assert len(page.encode()) <= 150_000


def test_hostile_texts_are_escaped() -> None:
    document = failed(reasons=[HOSTILE], cause={"name": "x", "text": HOSTILE, "remedy": HOSTILE})
    document["run"]["target"] = document["run"]["scenario"] = HOSTILE
    document["events"] = [{"at_s": 1, "kind": HOSTILE, "text": HOSTILE}]
    document["scenario_errors"] = [{"count": 1, "type": HOSTILE, "where": HOSTILE, "message": HOSTILE}]
    environment = {"settings": {HOSTILE: HOSTILE}, "host": {"repeat": HOSTILE, "git": HOSTILE}}
    rows, failures = [RowDocument("TCP", HOSTILE, 1, 1, 1)], [FailureDocument(HOSTILE, 1, [HOSTILE], {1: 1}, HOSTILE)]
    page = report(document, environment=environment, rows=rows, failures=failures)
    clean = report(failed())
    assert page.count("<script") == clean.count("<script")
    assert page.count("</script") == clean.count("</script")
    assert not [tag for tag, _ in Page(page).tags if tag == "img"]
    assert HOSTILE in Page(page).text


def test_ledger_is_folded_only_when_it_is_reconciled() -> None:
    def is_open(reconciled: bool | None) -> bool:
        document = passed()
        document["ledger"]["reconciled"] = reconciled
        tags = [attributes for tag, attributes in Page(report(document)).tags if tag == "details"]
        (details,) = [one for one in tags if one.get("id") == "holdfast-ledger"]
        return "open" in details

    assert [is_open(value) for value in (True, False, None)] == [False, True, True]


def test_unexplained_row_of_the_ledger_is_marked() -> None:
    document = passed()
    document["ledger"]["rows"][0] |= {"status": "unexplained", "unexplained": 3}
    assert '<tr class="fail-text"><th scope="row">messages</th>' in report(document)


def test_pictures_have_a_text_alternative() -> None:
    page = Page(report(failed(), due=TIMES, sent=TIMES, failures=[FailureDocument("reset", 1, ["m"], {3: 1})]))
    pictures = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(pictures) == 2
    assert all(one["role"] == "img" and one["aria-label"] for one in pictures)


def test_every_section_says_what_it_covers() -> None:
    page = report(failed(), due=TIMES, sent=TIMES)
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", page, re.S)
    assert len(titles) == 8
    uncovered = [title for title in titles if "covers" not in title]
    assert uncovered == ["Settings and environment"]


def test_worker_is_shown_by_its_number() -> None:
    lost = passed(generator={"workers": [WORKER, {**WORKER, "lost": True}], "limit": None})
    assert '<th scope="row" class="fail-text">worker 2</th>' in report(lost)


def test_run_without_latencies_counters_or_samples() -> None:
    text = Page(report(passed(server=None, latency_ms={}), timeline={})).text
    assert "No message was answered" in text
    assert "The target has no counters of its own." in text


def test_host_is_added_to_a_finished_report() -> None:
    page = report(failed())
    added = render.with_host(page, {"engine": "native", "repeat": "make load USERS=5 SCENARIO='a b'"})
    assert "make load USERS=5 SCENARIO='a b'" in Page(added).text
    again = render.with_host(added, {"engine": "docker"})
    assert "make load" not in Page(again).text
    assert "docker" in Page(again).text
    without = render.with_host(added, {"engine": "docker", "repeat": ""})
    assert "Run it again" not in Page(without).text
    assert render.with_host("another page", {"engine": "native"}) == "another page"
    assert "Run it again" not in page


def test_metrics_of_the_target_are_a_section_only_where_there_are_some() -> None:
    series = {'queue{name="<b>"}': [1.0, 3.0], "rate(jobs_total)": [None, 2.5]}
    page = report(passed(), target_metrics=series)
    text = Page(page).text
    assert text.index("The target's own metrics") < text.index('queue{name="<b>"}') < text.index("rate(jobs_total)")
    assert "<b>" not in page
    assert "The target's own metrics" not in report(passed())


def test_levels_of_a_load_shape_are_a_section_with_a_table() -> None:
    assert 'id="levels"' not in render.report(RunDocuments(passed()))
    page = render.report(RunDocuments({**failed(), **levels.document()}, timeline(3)))
    assert "Levels of the load shape" in page
    assert "100 to 1,000 users by 100, 30 s each" in page
    assert '<th scope="row" class="fail-text">200 users</th><td>200</td><td>0.610</td><td>31.00</td>' in page
    assert "200 users: p99 from due 31 ms" in page
    assert "the steady time of each level is shaded" in page
