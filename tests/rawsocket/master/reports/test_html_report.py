import locust.html
import locust.main
import locust.web
import pytest

from rawsocket.master.reports import html_report
from tests.support.controllers import controller_bench
from tests.support.reports import report as worker_report


def test_report_of_the_page_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (locust.html, locust.main, locust.web):
        monkeypatch.setattr(module, "get_html_report", module.get_html_report)
    with controller_bench(monkeypatch) as bench:
        html_report.install(bench.controller)
        for module in (locust.html, locust.main, locust.web):
            page = module.get_html_report(bench.controller.environment, show_download_link=False, theme="dark")
            assert page.startswith("<!doctype html>")
            assert 'id="holdfast-report"' in page


def test_report_has_a_verdict_only_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        page = html_report.page(bench.controller.run)
        assert "<title>Holdfast: RUNNING" in page
        assert "no verdict yet" in page
        bench.controller.run.notes.append("<script>")
        bench.controller.conclude()
        page = html_report.page(bench.controller.run)
    assert "No message was answered" in page
    assert "<title>Holdfast: UNKNOWN" in page
    assert "&lt;script&gt;" in page


def test_report_shows_latencies_as_a_chart_a_caption_and_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        bench.add_worker("a")
        bench.start()
        bench.controller.receive("a", worker_report(rows={"message": {37: 100}}, due={"message": {1_800_000: 100}}))
        page = html_report.page(bench.controller.run)  # while the run is still on
    assert page.count('aria-label="Latency by percentile"') == 1
    assert "from sent: 99 % within 0.037 ms" in page
    assert "within 1.8 s of when they were due" in page
    assert "<td>0.037 ms</td>" in page


def test_documents_have_the_rows_and_the_failures_by_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        bench.add_worker("a")
        bench.start()
        bench.second(held=5)
        bench.second(held=5, failures={"wrong": 3}, examples={"wrong": "b'x'"})
        bench.second(held=5, failures={"wrong": 4}, examples={"wrong": "b'x'"})
        documents = html_report.documents(bench.controller.run, {}, ())
    (failure,) = documents.failures
    assert (failure.kind, failure.count, failure.example) == ("wrong", 4, "b'x'")
    assert failure.seconds == {2: 3, 3: 1}
    assert "message" in {row.name for row in documents.rows}
    assert len(documents.timeline["held"]) == 3
