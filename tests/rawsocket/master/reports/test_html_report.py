import locust.html
import locust.main
import locust.web
import pytest

from rawsocket.master.reports import html_report
from tests.support.controllers import controller_bench
from tests.support.reports import report as worker_report


def test_each_import_of_locusts_report_renderer_adds_the_section_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (locust.html, locust.main, locust.web):
        monkeypatch.setattr(module, "get_html_report", module.get_html_report)
    with controller_bench(monkeypatch) as bench:
        html_report.install(bench.controller)
        html_report.install(bench.controller)
        for module in (locust.html, locust.main, locust.web):
            page = module.get_html_report(bench.controller.environment, show_download_link=False, theme="dark")
            assert page.count('id="holdfast-report"') == 1
            assert "<svg" in page


def test_report_has_a_verdict_only_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        assert "no verdict yet" in html_report.section(bench.controller.run)
        bench.controller.run.notes.append("<script>")
        bench.controller.conclude()
        text = html_report.section(bench.controller.run)
    assert "No message was answered" in text
    assert "verdict: unknown (exit code 4)" in text
    assert "&lt;script&gt;" in text


def test_report_shows_latencies_as_a_chart_a_caption_and_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        bench.add_worker("a")
        bench.start()
        bench.controller.receive("a", worker_report(rows={"message": {37: 100}}, due={"message": {1_800_000: 100}}))
        text = html_report.section(bench.controller.run)  # while the run is still on
    assert text.count("<svg") == 2
    assert "from sent: 99 % within 0.037 ms" in text
    assert "within 1.8 s of when they were due" in text
    assert ">0.037</td>" in text
